"""Copy, reverse, sort, add: right answers, and splits that share nothing."""

import numpy as np
import pytest
import torch

from src.data.toy_tasks import (
    SPECIALS,
    PairLines,
    Pairs,
    TaskConfig,
    alphabet,
    answer,
    questions,
    split_of,
)
from src.tokenizers import CharTokenizer
from src.utils.errors import InputError
from tests.batches import check_pure, check_worker, whole


KINDS = ("copy", "reverse", "sort", "add")
SPLITS = ("train", "val", "test")


def pairs(kind: str, split: str = "train", **options) -> tuple[Pairs, CharTokenizer]:
    config = TaskConfig(kind, longest=6, n_train=300, n_val=50, n_test=50, **options)
    tokenizer = CharTokenizer(alphabet(config), SPECIALS)
    return Pairs(config, split, 0, tokenizer), tokenizer


def text(tokenizer, row: torch.Tensor) -> str:
    """The ids that are no padding."""
    skip = (-100, tokenizer.specials["<|pad|>"])
    return tokenizer.decode([i for i in row.tolist() if i not in skip])


@pytest.mark.spec("SEQ-023", "The answers of copy, reverse, sort and add are right")
def test_answers_are_right():
    assert answer("copy", "cab") == "cab" and answer("reverse", "cab") == "bac"
    assert answer("sort", "cabb") == "abbc" and answer("add", "95+17") == "112"
    assert answer("add", "0+0") == "0"


@pytest.mark.spec("SEQ-023", "The answers of copy, reverse, sort and add are right")
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_reads_as_question_and_answer(kind):
    data, tokenizer = pairs(kind)
    batch = whole(data)
    line = whole(PairLines(data))
    assert torch.equal(
        batch["source_mask"], batch["source"] != tokenizer.specials["<|pad|>"]
    )
    for i, (asked, told) in enumerate(zip(data.questions, data.answers, strict=True)):
        assert told == answer(kind, asked)
        assert text(tokenizer, batch["source"][i]) == asked
        assert text(tokenizer, batch["tokens"][i]) == "<|bos|>" + told
        assert text(tokenizer, batch["targets"][i]) == told + "<|eos|>"
        assert text(tokenizer, line["tokens"][i]) == f"<|bos|>{asked}<|sep|>{told}"
        assert text(tokenizer, line["targets"][i]) == told + "<|eos|>"
        shown, wanted = line["tokens"][i], line["targets"][i]
        at = (wanted != -100).nonzero()[:, 0]
        assert shown[at[0]] == tokenizer.specials["<|sep|>"]
        assert torch.equal(shown[at[1:]], wanted[at[:-1]])  # one place later


@pytest.mark.spec("SEQ-023", "no question is in two of train, val and test")
@pytest.mark.parametrize("kind", KINDS)
def test_no_question_is_in_two_splits_under_any_seed(kind):
    config = TaskConfig(kind, longest=3, n_train=2000, n_val=300, n_test=300)
    seen = {
        split: {q for seed in range(3) for q in questions(config, split, seed)}
        for split in SPLITS
    }
    for split, found in seen.items():
        assert {split_of(question) for question in found} == {split}
        assert all(found.isdisjoint(seen[s]) for s in SPLITS if s != split)


def test_a_tenth_of_the_questions_belongs_to_val_and_to_test():
    found = [split_of(f"{a}+{b}") for a in range(100) for b in range(100)]
    shares = [found.count(split) / len(found) for split in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


@pytest.mark.spec("SEQ-015", "a pure function of the seed")
@pytest.mark.parametrize("kind", KINDS)
def test_a_question_does_not_depend_on_how_many_there_are(kind):
    few, many = (TaskConfig(kind, n_train=n) for n in (20, 200))
    assert questions(few, "train", 3) == questions(many, "train", 3)[:20]
    assert questions(few, "train", 3) != questions(few, "train", 4)


@pytest.mark.spec("SEQ-015", "the same alone, in any batch, in a worker")
def test_pairs_are_pure_functions_of_their_index():
    data, _ = pairs("add", "val")
    check_worker(data, 8)
    check_worker(PairLines(data), 8)
    line = PairLines(data)
    alone = line[0, 3]["targets"]
    assert torch.equal(alone, whole(line)["targets"][3, : len(alone)])
    check_pure(PairLines(pairs("copy", shortest=6)[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_and_letters_are_even(kind):
    config = TaskConfig(kind, shortest=2, longest=5, symbols=5, n_train=4000)
    asked = questions(config, "train", 0)
    parts = [part for question in asked for part in question.split("+")]
    lengths = np.bincount([len(part) for part in parts], minlength=6)
    assert lengths[:2].sum() == 0 and len(lengths) == 6
    # Short words are few, so their split need not hold them evenly.
    assert np.abs(lengths[3:] / len(parts) - 0.25).max() < 0.03
    if kind == "add":
        assert not any(part[0] == "0" for part in parts)
    else:
        letters = [letter for part in parts for letter in part]
        shares = np.array([letters.count(x) for x in "abcde"]) / len(letters)
        assert np.abs(shares - 0.2).max() < 0.02


def test_a_task_with_too_few_questions_is_refused():
    config = TaskConfig("copy", longest=1, symbols=1, n_train=5, n_val=5)
    missing = next(split for split in SPLITS if split != split_of("a"))
    with pytest.raises(
        InputError, match=f"no question for the part {missing}.*longest"
    ):
        questions(config, missing, 0)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"shortest": 0}, "shortest = 0, longest = 10: must be from 1 to 1000"),
        ({"shortest": 11}, "shortest = 11, longest = 10"),
        ({"kind": "add", "longest": 16}, "longest = 16: must be from 1 to 15"),
        ({"symbols": 27}, "symbols = 27: must be from 1 to 26"),
        ({"n_val": 0}, "n_val = 0: must be > 0"),
    ],
)
def test_a_wrong_setting_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        TaskConfig(**options)
