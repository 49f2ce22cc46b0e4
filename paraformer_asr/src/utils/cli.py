# pattern: utils/cli.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/cli.py --from <sub-project>
"""Exit codes and one-sentence errors for every script.

0 done, 1 fault, 2 bad input, 3 diverged, 130 Ctrl-C, 143 SIGTERM.
"""

import errno
import os
import re
import sys

import typer

from .atomic import is_disk_full
from .errors import DivergedError, FaultError, InputError


OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory")
BAD_PATHS = (errno.ENAMETOOLONG, errno.EACCES, errno.ELOOP, errno.EROFS)
EXIT_CODES = {FaultError: 1, InputError: 2, DivergedError: 3}
UsageError = typer.BadParameter.__base__  # click's, or typer's own copy of click


def run(*commands) -> None:
    """Run a Typer command; an expected error becomes a sentence and an exit code.

    Of several commands the first word of the command line chooses one by its name.
    """
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    for command in commands:
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
    except (OSError, MemoryError, RuntimeError) as error:
        said, code = _known_fault(error)
        if not said:
            raise
        print(said, file=sys.stderr)
        raise SystemExit(code) from None


def _known_fault(error: Exception) -> tuple[str, int]:
    """A sentence for what the system refused, and its exit code; "" for the rest."""
    if isinstance(error, OSError) and error.filename and error.errno in BAD_PATHS:
        return f"{error.filename}: {error.strerror}. Name another path", 2
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)):
        return "out of memory. Ask for something smaller, or free some", 1
    if is_disk_full(error):
        return "disk full. Free some room, or write to another place", 1
    return "", 1


def _explain(error) -> str:
    """What is wrong with the command line, in sentences."""
    said = error.format_message().rstrip(".")
    arguments = error.ctx.command.params if error.ctx else ()
    takes_keys = any(argument.metavar == "KEY=VALUE" for argument in arguments)
    if takes_keys and hasattr(error, "possibilities"):  # an option that is not known
        said += ". Config keys are written without dashes: train.epochs=3"
    return f"{said}. See --help"
