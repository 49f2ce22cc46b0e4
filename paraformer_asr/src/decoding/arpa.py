r"""The ARPA format of n-gram models, which SRILM, KenLM and the rest read and write.

    \data\
    ngram 1=4

    \1-grams:
    -0.6020600	<unk>
    -0.9030900	one	-0.3010300

    \end\

A line is log10 p, the words, and log10 of the back-off weight where it is not 1.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from ..utils.atomic import write_atomically
from ..utils.errors import InputError


BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
Gram = tuple[str, ...]
NEVER = -99.0  # log10 of a probability of zero, as SRILM writes it


def read_arpa(path: Path) -> tuple[int, dict[Gram, float], dict[Gram, float]]:
    """Order, log p and back-off weights by gram, in nats; InputError says which line.

    A model without <unk> gives an unknown word 10^-99.
    """
    lines = _lines(path)
    sizes = _read_sizes(path, lines)
    logs: dict[Gram, float] = {}
    backoffs: dict[Gram, float] = {}
    number, section = 0, 1
    for number, line in lines:
        if not line.startswith("\\"):
            gram, log, backoff = _entry(path, number, line, section)
            if gram in logs:
                raise InputError(f"{path}:{number}: {' '.join(gram)} is there twice")
            logs[gram] = log
            if backoff:
                backoffs[gram] = backoff
            continue
        _check_count(path, number, section, logs, sizes)
        section += 1
        wanted = f"\\{section}-grams:" if section <= len(sizes) else "\\end\\"
        if line != wanted:
            raise InputError(f"{path}:{number}: {line} where {wanted} should be")
        if section > len(sizes):
            logs.setdefault((UNKNOWN,), NEVER * math.log(10))
            return len(sizes), logs, backoffs
    raise InputError(f"{path}:{number}: the file ends without \\end\\: it was cut off")


def write_arpa(
    path: Path, order: int, logs: dict[Gram, float], backoffs: dict[Gram, float]
) -> None:
    """All grams, sorted; InputError for a word with white space in it."""
    sections: list[list[str]] = [[] for _ in range(order)]
    for gram in sorted(logs):
        if not all(word and not re.search(r"\s", word) for word in gram):
            raise InputError(f"{path}: an ARPA file cannot hold the words {gram}")
        cells = [_log10(logs[gram]), " ".join(gram)]
        if gram in backoffs:
            cells.append(_log10(backoffs[gram]))
        sections[len(gram) - 1].append("\t".join(cells))
    out = ["\\data\\"]
    out += [f"ngram {n}={len(rows)}" for n, rows in enumerate(sections, start=1)]
    for size, rows in enumerate(sections, start=1):
        out += ["", f"\\{size}-grams:", *rows]
    write_atomically(path, ("\n".join([*out, "", "\\end\\"]) + "\n").encode())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not empty, with its number."""
    number = 0
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line := line.strip(" \t\r\n"):
                    yield number, line
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(
            f"{path}:{number + 1}: is not UTF-8; an ARPA file is plain text, and one "
            "that is compressed must be unpacked first"
        ) from None


def _read_sizes(path: Path, lines: Iterator[tuple[int, str]]) -> list[int]:
    r"""How many grams of each length \data\ announces."""
    number, line = next(lines, (1, ""))
    while line != "\\data\\" and line:  # what stands before is a comment
        number, line = next(lines, (number, ""))
    if not line:
        raise InputError(f"{path}:{number}: no line \\data\\: this is no ARPA file")
    sizes: list[int] = []
    for number, line in lines:  # noqa: B007 (the message below names it)
        found = re.fullmatch(r"ngram +(\d+) *= *(\d+)", line)
        if found and int(found[1]) == len(sizes) + 1:
            sizes.append(int(found[2]))
        elif line == "\\1-grams:" and sizes:
            return sizes
        else:
            break
    raise InputError(
        f"{path}:{number}: {line!r} where ngram {len(sizes) + 1}=COUNT should be"
    )


def _entry(path: Path, number: int, line: str, size: int) -> tuple[Gram, float, float]:
    """A gram, its log p and its back-off weight, in nats."""
    cells = re.split(r"[ \t]+", line)
    if len(cells) not in (size + 1, size + 2):
        raise InputError(
            f"{path}:{number}: {len(cells)} fields; log10 p, {size} words and perhaps "
            f"a back-off weight make {size + 1} or {size + 2}"
        )
    try:
        log, backoff = float(cells[0]), float((*cells[size + 1 :], 0)[0])
    except ValueError as error:
        told = str(error).partition(": ")[2]
        raise InputError(f"{path}:{number}: {told} is no number") from None
    if not log <= 0 or not backoff < math.inf:  # false for NaN too
        raise InputError(
            f"{path}:{number}: log10 p is {log} and the weight's {backoff}: the first "
            "must be 0 or less, the other finite"
        )
    log, backoff = max(log, NEVER), max(backoff, NEVER)
    return tuple(cells[1 : size + 1]), log * math.log(10), backoff * math.log(10)


def _check_count(
    path: Path, number: int, size: int, logs: dict[Gram, float], sizes: list[int]
) -> None:
    there = len(logs) - sum(sizes[: size - 1])
    if there != sizes[size - 1]:
        raise InputError(
            f"{path}:{number}: {there} grams of {size} words, and \\data\\ announced "
            f"{sizes[size - 1]}"
        )


def _log10(log: float) -> str:
    return f"{max(log / math.log(10), NEVER):.7f}"
