"""Labelled sentences for a sentiment model: `label<TAB>text` a line, words as ids."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..utils.errors import InputError
from .text import read_text


PAD, UNKNOWN = 0, 1
SPECIAL = ["<pad>", "<unk>"]
WORD = re.compile(r"[^\W\d_]+")


def read_sentences(path: str | Path) -> tuple[list[str], list[str]]:
    """Labels and texts of a TSV file without a header; InputError names a bad line."""
    path = Path(path)
    labels, texts = [], []
    for number, line in enumerate(re.split(r"\r?\n", read_text(path)), 1):
        if not line.strip():
            continue
        label, tab, text = line.partition("\t")
        if not tab or not label.strip() or not text.strip():
            raise InputError(
                f"{path}:{number}: is {line[:40]!r}; needed is label<TAB>text"
            )
        labels.append(label.strip())
        texts.append(text.strip())
    if not texts:
        raise InputError(f"{path}: has no sentences, only empty lines")
    return labels, texts


def split_words(text: str) -> list[str]:
    """The runs of letters, in lower case; digits and marks separate."""
    return WORD.findall(text.lower())


def word_vocabulary(texts: Iterable[str], limit: int = 20000) -> list[str]:
    """`<pad>`, `<unk>`, then words by falling frequency, equal ones by the alphabet."""
    counts = Counter(word for text in texts for word in split_words(text))
    order = sorted(counts, key=lambda word: (-counts[word], word))
    return SPECIAL + order[: max(0, limit - len(SPECIAL))]


def encode_words(texts: Iterable[str], vocabulary: list[str]) -> list[np.ndarray]:
    """Ids of the words of each text, int64; a text without words is one unknown."""
    ids = {word: i for i, word in enumerate(vocabulary)}
    return [
        np.array(
            [ids.get(w, UNKNOWN) for w in split_words(text)] or [UNKNOWN], np.int64
        )
        for text in texts
    ]


SUBJECTS = "film plot cast music ending story acting script camera humour".split()
GOOD = "brilliant lovely fresh moving clever warm honest gripping funny superb".split()
BAD = "dull awful stale boring clumsy cold false tedious silly dreadful".split()
DEGREES = ["", "very ", "quite ", "truly ", "really "]


def toy_sentences(n: int, seed: int) -> tuple[list[str], list[str]]:
    """`n` made-up verdicts, half of them positive; same seed, same sentences.

    "not" and "never" turn a judgement over, so that word counts alone do not decide.
    """
    rng = np.random.default_rng([seed, TOY_KEY])
    labels = rng.permutation(np.arange(n) % 2)
    texts = []
    for label in labels:
        subject, other = rng.choice(SUBJECTS, 2, replace=False)
        turned = rng.random() < 0.4
        word = rng.choice(GOOD if bool(label) != turned else BAD)
        degree, verb = rng.choice(DEGREES), rng.choice(["was", "is", "seemed"])
        no = rng.choice(["not ", "never "]) if turned else ""
        tail = rng.choice(["", f", like the {other}", f" and so the {other}"])
        texts.append(f"The {subject} {verb} {no}{degree}{word}{tail}.")
    return [("negative", "positive")[label] for label in labels], texts


TOY_KEY = 0x5E17  # no other use of the seed draws these numbers
