"""What more thinking buys: see `python scripts/reason.py --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


Checkpoint = Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")]
Seed = Annotated[int, Option(help="Another seed, other responses")]
Device = Annotated[str, Option(help="auto, cpu, cuda or mps")]
AsJson = Annotated[bool, Option("--json", help="Print the result as JSON")]


def scale(
    checkpoint: Checkpoint,
    problems: Annotated[int, Option(help="Problems of the split, at most")] = 200,
    samples: Annotated[int, Option(help="Responses drawn for each problem")] = 64,
    split: Annotated[Literal["test", "val", "train"], Option()] = "test",
    seed: Seed = 0,
    out: Annotated[Path | None, Option(help="Default: test_time/ of the run")] = None,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Annotated[bool, Option("--quiet", help="No progress")] = False,
) -> None:
    """Draw accuracy against the tokens spent, by method.

    Example: scripts/reason.py scale --checkpoint runs/latest/checkpoints/best.pt
    """
    from src.inference import reason_scale as driver
    from src.utils.logging import start_logging

    start_logging(quiet)
    wanted = driver.Wanted(problems, samples, split, seed)
    done = driver.scale(checkpoint, wanted, out, device=device, quiet=quiet)
    print(driver.text(done, json), end="")
    print(driver.verdict(done), file=sys.stderr)


def solve(
    checkpoint: Checkpoint,
    problem: Annotated[str, Option(help="As the task writes it, such as 27+58")],
    samples: Annotated[int, Option(help="Attempts")] = 8,
    seed: Seed = 0,
    device: Device = "auto",
    json: AsJson = False,
) -> None:
    """Show each attempt at one problem, its verdict, and the vote.

    Example: scripts/reason.py solve --checkpoint C --problem 27+58
    """
    from src.inference import reason_solve as driver
    from src.utils.logging import start_logging

    start_logging()
    done = driver.solve(checkpoint, problem, samples, seed, device=device)
    print(driver.text(done, json), end="")


def study(
    config: Annotated[Path, Option(help="Such as configs/study_addition.yaml")],
    seeds: Annotated[str, Option(help="Instead of its own: 11-16, or 11,14")] = "",
    only: Annotated[
        list[str] | None, Option(help="Train these arms alone (repeatable)")
    ] = None,
    out: Annotated[Path, Option(help="Where the folder of the study is made")] = Path(
        "runs"
    ),
    at_once: Annotated[int, Option(help="Runs that go on side by side")] = 1,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Say what would run, and run nothing")
    ] = False,
    report: Annotated[
        bool, Option("--report", help="Only score and show what has run")
    ] = False,
    json: AsJson = False,
    quiet: Annotated[bool, Option("--quiet", help="Warnings and result only")] = False,
) -> None:
    """Train arms with many seeds, compare them: paired, with intervals.

    Finished runs are not begun again and interrupted ones go on with the same command.
    Example: scripts/reason.py study --config configs/study_addition.yaml --at-once 2
    """
    from src.evolution.study import study

    only = only or []
    options = (out, at_once, dry_run, report, json, quiet)
    raise SystemExit(study(config, seeds, only, *options))


if __name__ == "__main__":
    run(scale, solve, study)
