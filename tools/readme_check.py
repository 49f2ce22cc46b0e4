"""Documents that cannot go stale: commands, their options and links are checked.

Read are the ```bash fences and the links of README.md (of the root and of each
sub-project), the commands in the first comment of each configs/*.yaml, and demo.json.
A path below `runs/` is made by running and need not exist.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.demo import read_demo
from tools.processes import environment
from tools.projects import WorkspaceError, find_projects


FENCE = re.compile(r"^```(?:bash|sh|console)\b[^\n]*\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
WORDS = re.compile(r"[\w.-]+\Z")
OURS = ("src", "tests", "tools", "scripts")
"""Packages that a module of ours may be in."""
HELP_CHILD = Path(__file__).with_name("help_child.py")
PYTHON = re.compile(r"(?:.*/)?python(?:3(?:\.\d+)?)?\Z")


Known = dict[tuple[Path | str, ...], frozenset[str] | None]
"""(folder, words of the command) -> its options; None where --help fails."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a document and the folder in which it is typed."""

    place: str
    words: list[str]
    cwd: Path


def check(root: Path) -> list[str]:
    """Every stale command or link as `file:line: sentence`."""
    problems, commands = [], []
    for folder in [root, *find_projects(root)]:
        readme = folder / "README.md"
        if not readme.exists():
            problems.append(f"{readme.relative_to(root)} is missing")
            continue
        problems += _dead_links(root, readme)
        commands += _fenced(root, readme)
    for project in find_projects(root):
        for config in sorted(project.glob("configs/*.yaml")):
            commands += _in_config(root, config)
        try:
            for step in read_demo(project)["steps"]:
                place = f"{project.name}/demo.json"
                commands.append(Command(place, ["python", *step], project))
        except WorkspaceError as error:
            problems.append(str(error))
    asked: dict[Path, list[list[str]]] = {}
    for command in filter(_runs_a_file, commands):
        target, known = _target(command.words)[0], asked.setdefault(command.cwd, [])
        if target not in known:
            known.append(target)
    known: Known = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for options in pool.map(known_options, asked, asked.values()):
            known |= options
    return problems + [problem for c in commands for problem in _problems(c, known)]


def known_options(cwd: Path, commands: list[list[str]]) -> Known:
    """The options in what `command --help` prints, for each; None if that fails."""
    quiet = {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    said = subprocess.run(
        [sys.executable, HELP_CHILD, json.dumps(commands)],
        cwd=cwd,
        env=environment() | quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return {
        (cwd, *command): None if text is None else frozenset(OPTION.findall(text))
        for command, text in zip(commands, json.loads(said.stdout), strict=True)
    }


def _runs_a_file(command: Command) -> bool:
    target, _ = _target(command.words)
    return bool(target) and _file_of(target, command.cwd) is not None


def _problems(command: Command, known: Known) -> Iterator[str]:
    words = [word for word in command.words]
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        words.pop(0)  # VARIABLE=value before the command
    if not words:
        return
    for word in words[1:]:
        if _should_exist(word, command.cwd) and not any(command.cwd.glob(word)):
            yield f"{command.place}: {word} does not exist"
    target, rest = _target(words)
    if not target:
        return
    if _file_of(target, command.cwd) is None:
        if target[0] != "-m" or target[1].split(".")[0] in OURS:
            yield f"{command.place}: there is no {' '.join(target)}"
        return
    yield from _wrong_options(command, target, rest, known)


def _wrong_options(
    command: Command, target: list[str], rest: list[str], known: Known
) -> Iterator[str]:
    given = [OPTION.match(word)[0] for word in rest if OPTION.match(word)]
    options = known[command.cwd, *target]
    if options is None:
        yield f"{command.place}: {' '.join(target)} --help fails"
        return
    if rest and WORDS.match(rest[0]) and not set(given) <= options:
        deeper = (command.cwd, *target, rest[0])
        if deeper not in known:
            known |= known_options(command.cwd, [[*target, rest[0]]])
        options = known[deeper] or options
    for option in given:
        if option not in options:
            yield f"{command.place}: {' '.join(target)} has no option {option}"


def _target(words: list[str]) -> tuple[list[str], list[str]]:
    """(what Python runs, its arguments); empty for commands that are not Python's."""
    if PYTHON.match(words[0]) and len(words) > 2 and words[1] == "-m":
        return words[1:3], words[3:]
    if PYTHON.match(words[0]) or Path(words[0]).name == "torchrun":
        for at, word in enumerate(words[1:], start=1):
            if word.endswith(".py"):
                return [word], words[at + 1 :]
    return [], []


def _file_of(target: list[str], cwd: Path) -> Path | None:
    if target[0] != "-m":
        file = cwd / target[0]
        return file if file.is_file() else None
    path = cwd / Path(*target[1].split("."))
    places = (path.with_suffix(".py"), path / "__main__.py")
    return next((file for file in places if file.is_file()), None)


def _should_exist(word: str, cwd: Path) -> bool:
    """Whether a word names a file of the repository, as far as one can tell."""
    first = word.split("/")[0]
    if "<" in word or "=" in word or first in ("", "..", "~", "runs", "-"):
        return False
    inside = "/" in word and (cwd / first).is_dir() and "/runs/" not in word
    return inside or word.endswith((".py", ".yaml", ".toml", "requirements.txt"))


def _fenced(root: Path, readme: Path) -> Iterator[Command]:
    text = readme.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        line = text[: fence.start(1)].count("\n") + 1
        yield from _commands(root, readme, fence[1], line)


def _commands(root: Path, file: Path, text: str, line: int) -> Iterator[Command]:
    cwd, joined = file.parent, ""
    for number, raw in enumerate(text.splitlines(), start=line):
        joined += raw.strip().removeprefix("$ ")
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        place = f"{file.relative_to(root)}:{number}"
        for words in _split(place, joined):
            if len(words) == 2 and words[0] == "cd":
                cwd = cwd / words[1]
            else:
                yield Command(place, words, cwd)
        joined = ""


def _in_config(root: Path, config: Path) -> Iterator[Command]:
    project = config.parents[1]
    for number, line in enumerate(config.read_text("utf-8").splitlines(), start=1):
        if not line.startswith("#"):
            return
        text = line.lstrip("# ").strip("`")
        if text.startswith(("python ", "torchrun ")):
            place = f"{config.relative_to(root)}:{number}"
            for words in _split(place, text):
                yield Command(place, words, project)


def _split(place: str, line: str) -> list[list[str]]:
    """The words of each command of a line, as a shell reads it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word and not word.strip(";&|"):
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError as error:
        raise WorkspaceError(f"{place}: {line}: {error}") from None
    return [words for words in commands if words]


def _dead_links(root: Path, readme: Path) -> Iterator[str]:
    for number, line in enumerate(readme.read_text("utf-8").splitlines(), start=1):
        for target in LINK.findall(line):
            web = "://" in target or target.startswith("mailto:")
            if not web and not (readme.parent / target).exists():
                place = f"{readme.relative_to(root)}:{number}"
                yield f"{place}: the link {target} leads nowhere"
