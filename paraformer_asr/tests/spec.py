# pattern: tests/spec.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/spec.py --from <sub-project>
"""docs/SPEC.md and the tests that quote it, read without importing anything.

A sentence of the document: `- **ABC-001** One testable sentence.`; while it has no test
`- **ABC-001** *(planned)* One testable sentence.` Further lines are indented by two
spaces. A test quotes it: `@pytest.mark.spec("ABC-001", "words quoted from it")`.
"""

import ast
import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


ITEM = re.compile(
    r"^- \*\*([A-Z]+-\d{3})\*\* (?:\*\((planned)\)\* )?(\S.*(?:\n  \S.*)*)", re.M
)
NEARLY = re.compile(r"^ *[-*+] .{0,3}[A-Z]{2,}-\d+.*", re.M)
TEST_FILES = ("test_*.py", "smoke_*.py", "integration_*.py")


class Sentence(NamedTuple):
    id: str
    text: str
    planned: bool
    where: str


class Quote(NamedTuple):
    id: str
    words: str
    where: str


def check_spec(root: Path) -> list[str]:
    """Each way in which docs/SPEC.md and the tests below `root` disagree."""
    document = root / "docs" / "SPEC.md"
    sentences, problems = read_sentences(document)
    quotes, more = read_quotes(root)
    known = {sentence.id: sentence for sentence in sentences}
    problems += more
    for quote in quotes:
        if quote.id not in known:
            problems.append(
                f"{quote.where}: no requirement {quote.id}{_guess(quote.id, known)}"
            )
        elif _flat(quote.words) not in _flat(known[quote.id].text):
            problems.append(
                f"{quote.where}: {quote.id} no longer says “{quote.words}”\n"
                f"    {known[quote.id].where}: {known[quote.id].text}"
            )
    tested = {quote.id for quote in quotes}
    for sentence in sentences:
        if sentence.planned and sentence.id in tested:
            problems.append(
                f"{sentence.where}: {sentence.id} is marked planned but has a test"
            )
        elif not sentence.planned and sentence.id not in tested:
            problems.append(
                f"{sentence.where}: {sentence.id} has no test: {sentence.text}"
            )
    return problems


def read_sentences(document: Path) -> tuple[list[Sentence], list[str]]:
    """The sentences of the document, and what in it is not as it should be."""
    text = document.read_text(encoding="utf-8")
    sentences: list[Sentence] = []
    problems: list[str] = []
    first: dict[str, str] = {}
    starts = set()
    for item in ITEM.finditer(text):
        starts.add(item.start())
        where = f"docs/{document.name}:{_line(text, item.start())}"
        if item[1] in first:
            problems.append(f"{where}: {item[1]} is already used at {first[item[1]]}")
            continue
        first[item[1]] = where
        sentences.append(Sentence(item[1], _flat(item[3]), bool(item[2]), where))
    for line in NEARLY.finditer(text):
        if line.start() not in starts:
            where = f"docs/{document.name}:{_line(text, line.start())}"
            problems.append(
                f"{where}: not of the form `- **ABC-001** Sentence.`: {line[0]}"
            )
    return sentences, problems


def read_quotes(root: Path) -> tuple[list[Quote], list[str]]:
    """Every `pytest.mark.spec(...)` of the test files, wherever it stands."""
    quotes, problems = [], []
    paths = {path for pattern in TEST_FILES for path in (root / "tests").rglob(pattern)}
    for path in sorted(paths):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        helpers = _marks_on_helpers(tree)
        for node in ast.walk(tree):
            if not _is_mark(node):
                continue
            where = f"{path.relative_to(root).as_posix()}:{node.lineno}"
            words = [a.value for a in node.args if isinstance(a, ast.Constant)]
            if len(words) != 2 or len(node.args) != 2 or len(_flat(str(words[1]))) < 6:
                problems.append(f"{where}: a spec mark is an id and words, literally")
            elif node in helpers:
                problems.append(f"{where}: {words[0]} is quoted on what is not a test")
            else:
                quotes.append(Quote(*words, where))
    return quotes, problems


def table(sentences: Iterable[Sentence], outcomes: dict[str, list[str]]) -> list[dict]:
    """One row a sentence, from the outcomes of the tests that quote it."""
    rows = []
    for sentence in sentences:
        seen = outcomes.get(sentence.id, [])
        states = {"failed": "FAILED", "passed": "verified", "skipped": "skipped"}
        state = next((name for word, name in states.items() if word in seen), None)
        state = state or ("planned" if sentence.planned else "not run")
        rows.append(
            {
                "id": sentence.id,
                "state": state,
                "tests": len(seen),
                "text": sentence.text,
            }
        )
    return rows


def _is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.spec")


def _marks_on_helpers(tree: ast.AST) -> set[ast.AST]:
    """Decorators of functions and classes that pytest does not collect."""
    owners = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {
        mark
        for node in ast.walk(tree)
        if isinstance(node, owners) and not node.name.startswith(("test", "Test"))
        for mark in node.decorator_list
    }


def _guess(wrong: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(wrong, list(known), 1)
    return f", did you mean {close[0]}?" if close else ""


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _flat(text: str) -> str:
    return " ".join(text.split())
