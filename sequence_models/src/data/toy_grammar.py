"""Toy stories and their figures on the command line; `stories.py` writes them."""

import argparse
import math
import sys

from .stories import SEPARATOR, ToyConfig, figures, write_stories, write_story


__all__ = ["SEPARATOR", "ToyConfig", "figures", "main", "write_stories", "write_story"]


def main(arguments: list[str] | None = None) -> int:
    """The command line: stories and figures."""
    parser = argparse.ArgumentParser(
        prog="python -m src.data.toy_grammar", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--debug", action="store_true", help="print stories")
    parser.add_argument("--stories", type=int, default=3, help="how many to print")
    parser.add_argument("--seed", type=int, default=0, help="zero or more")
    options = parser.parse_args(arguments)
    if not options.debug:
        parser.error("say --debug to print some stories and their figures")
    if options.seed < 0 or options.stories < 1:
        parser.error("--seed is zero or more, --stories one or more")
    print(write_stories(options.seed, options.stories), end="\n\n")
    drawn = [write_story(options.seed, 0, i) for i in range(2000)]
    length = sum(map(len, drawn)) / len(drawn) + len(SEPARATOR)
    known = figures()
    print(f"{length:.0f} characters a story (mean of 2000)")
    print(f"{len(set(''.join(drawn)))} different characters")
    print(f"10^{known.log10_stories:.1f} different stories (exact)")
    for name, bits in (
        ("entropy", known.bits),
        ("without memory of the sentences before", known.forgetful_bits),
    ):
        each = bits / length
        nats = each * math.log(2)
        print(
            f"{name}: {bits:.1f} bits a story, {each:.4f} bits "
            f"({nats:.4f} nats) a character"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
