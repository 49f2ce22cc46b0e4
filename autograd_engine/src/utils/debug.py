"""`python -m src.utils.debug --check-gradients`: is the gradient of every model right?

Compares it with central differences: in double precision, along random directions, at a
tiny size. The tools themselves are in `src/training/debug.py`.
"""

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    from ..training.check import check_gradients

    parser = argparse.ArgumentParser(
        "python -m src.utils.debug", description="Checks of the models."
    )
    text = "compare the gradient of every model with central differences"
    parser.add_argument(
        "--check-gradients", action="store_true", required=True, help=text
    )
    parser.parse_args(arguments)
    return 0 if check_gradients() else 1


if __name__ == "__main__":
    sys.exit(main())
