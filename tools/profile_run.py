"""Where the time and the memory of a training go: a table, a picture and JSON.

    python -m tools profile vision_cnn -- \\
        python scripts/train.py --config configs/toy_patterns.yaml train.epochs=2

The command stands as it is typed in the sub-project, and runs there. A hundred times a
second it is noted what it does:

  import      modules are loaded
  data        src/data and torch's loaders: opening, decoding, augmenting, collating
  forward     model and loss of a training step
  backward    gradients
  optimiser   the update, and clipping before it
  evaluation  of the validation data, its loading and forward pass included
  writing     checkpoints and pictures
  rest        all else: building the model, logging

CPU-seconds are those of all threads, without processes that load data; memory is that
of the process itself. On a GPU each kernel is waited for, or it would be counted where
the program happens to wait.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.files import replace_whole, write_whole
from tools.processes import handle_signals, run, say
from tools.profile_samples import Profile, read_samples
from tools.projects import ROOT, WorkspaceError, find_projects, select
from tools.tables import table


BAD_INPUT = 2  # exit code of a script that was typed wrong
CHILD = Path(__file__).with_name("profile_child.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: that of the command; 2 also for bad input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    options = _parser().parse_args(given[:end])
    handle_signals()
    try:
        return _profile(options, given[end + 1 :])
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2


def _profile(options: argparse.Namespace, command: Sequence[str]) -> int:
    cwd = _folder(options.project)
    python, flags, program = split_command(command, cwd)
    out = options.out or cwd / "runs" / "profile"
    with tempfile.TemporaryDirectory() as temporary:
        samples, start = Path(temporary, "samples"), time.monotonic()
        words = [python, *flags, CHILD, samples, str(start), *program]
        try:
            code = run(words, cwd)
        except KeyboardInterrupt:
            code = 130
        except SystemExit as stop:  # SIGTERM
            code = stop.code
        seconds = time.monotonic() - start
        profile = read_samples(samples, seconds)
    code = 128 - code if code < 0 else code
    if profile is None:
        say(f"{program[0]} ended with code {code} before there was anything to see")
        return code
    worked = [p for name, p in profile.phases.items() if name not in ("import", "rest")]
    if code == BAD_INPUT and not any(phase.seconds for phase in worked):
        say("the command was refused, so there is no profile of it")
        return code
    content = {"command": list(command), "folder": str(cwd), "exit_code": code}
    _write(out, {**content, **profile.to_dict()}, profile, options.project or cwd.name)
    print(_text(profile))
    say(f"saved  {out / 'profile.json'}, {out / 'profile.png'}")
    return code


def split_command(
    command: Sequence[str], cwd: Path
) -> tuple[str, list[str], list[str]]:
    """The interpreter, its own options, and the program with its arguments."""
    example = "python scripts/train.py --config configs/toy_patterns.yaml"
    if not command:
        raise WorkspaceError(f"say what to run: python -m tools profile P -- {example}")
    name, *words = command
    if not Path(name).name.startswith("python"):
        raise WorkspaceError(f"{name}: only Python is looked into; write {example}")
    python = sys.executable if name in ("python", "python3") else shutil.which(name)
    if python is None:
        raise WorkspaceError(f"{name}: no such program; write python")
    flags: list[str] = []
    while words and words[0].startswith("-") and words[0] != "-m":
        flags += [words.pop(0)]
        if flags[-1] in ("-W", "-X") and words:
            flags += [words.pop(0)]
    if len(words) < 1 + (words[:1] == ["-m"]) or "-c" in flags:
        raise WorkspaceError(f"{' '.join(command)}: name a script, or -m and a module")
    if words[0] != "-m" and not (cwd / words[0]).is_file():
        raise WorkspaceError(f"{words[0]}: no such file in {cwd}")
    return python, flags, words


def _folder(project: str | None) -> Path:
    """Where the command runs: the sub-project's folder, else where we are."""
    if project:
        return ROOT / select([project], [path.name for path in find_projects(ROOT)])[0]
    here = Path.cwd()
    if here == ROOT:
        raise WorkspaceError(
            "say in which sub-project: python -m tools profile vision_cnn -- python ..."
        )
    return here


def _text(profile: Profile) -> str:
    """The table, the peak, and what the profiler itself took."""
    total, cpu = profile.seconds, profile.cpu
    rows = [
        [
            name,
            f"{phase.seconds:.2f}",
            f"{100 * phase.seconds / total:.1f}",
            f"{phase.cpu:.2f}",
            f"{100 * phase.cpu / cpu if cpu else 0:.1f}",
            f"{phase.peak / 1024:.0f}",
        ]
        for name, phase in profile.phases.items()
    ]
    rows.append(["all", f"{total:.2f}", "100.0", f"{cpu:.2f}", "100.0"])
    rows[-1].append(f"{profile.peak / 1024:.0f}")
    heads = ("phase", "seconds", "%", "CPU-seconds", "%", "peak MiB")
    own = f"the profiler itself took {profile.own:.2f} CPU-seconds more"
    own += f" ({100 * profile.own / cpu if cpu else 0:.1f} %)"
    gpu = f"; on the GPU {profile.gpu / 1024:.0f} MiB at most" if profile.gpu else ""
    return f"{table(heads, rows)}\n{len(profile.samples)} samples; {own}{gpu}"


def _write(out: Path, content: dict, profile: Profile, title: str) -> None:
    """profile.json and profile.png, each whole or not at all."""
    from tools.profile_picture import draw  # matplotlib takes a second

    try:
        out.mkdir(parents=True, exist_ok=True)
        write_whole(out / "profile.json", json.dumps(content, indent=1) + "\n")
        replace_whole(out / "profile.png", lambda part: draw(profile, part, title))
    except OSError as error:
        raise WorkspaceError(
            f"{out} cannot be written: {error.strerror}; name another --out"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools profile",
        usage="tools profile [SUB-PROJECT] [--out DIR] -- COMMAND",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("project", nargs="?", metavar="SUB-PROJECT", help="default: .")
    parser.add_argument("--out", type=Path, help="default: runs/profile, replaced")
    return parser


if __name__ == "__main__":
    sys.exit(main())
