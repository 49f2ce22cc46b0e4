# pattern: utils/cli.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/cli.py --from <sub-project>
"""Exit codes and one-sentence errors for every script.

0 done, 1 fault, 2 bad input, 3 diverged, 130 Ctrl-C, 143 SIGTERM.
"""

import os
import sys

import typer

from .errors import DivergedError, FaultError, InputError


EXIT_CODES = {FaultError: 1, InputError: 2, DivergedError: 3}
UsageError = typer.BadParameter.__base__  # click's, or typer's own copy of click


def run(command) -> None:
    """Run a Typer command; an expected error becomes a sentence and an exit code."""
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(command)
    try:
        raise SystemExit(app(standalone_mode=False) or 0)
    except UsageError as error:
        print(_explain(error), file=sys.stderr)
        raise SystemExit(2) from None
    except typer.Abort:  # Ctrl-C, where typer leaves it to click
        raise SystemExit(130) from None
    except tuple(EXIT_CODES) as error:
        print(error, file=sys.stderr)
        code = next(c for kind, c in EXIT_CODES.items() if isinstance(error, kind))
        raise SystemExit(code) from None
    except BrokenPipeError:  # the reader, such as `head`, has closed our stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _explain(error) -> str:
    """What is wrong with the command line, in sentences."""
    said = error.format_message().rstrip(".")
    arguments = error.ctx.command.params if error.ctx else ()
    takes_keys = any(argument.metavar == "KEY=VALUE" for argument in arguments)
    if takes_keys and hasattr(error, "possibilities"):  # an option that is not known
        said += ". Config keys are written without dashes: train.epochs=3"
    return f"{said}. See --help"
