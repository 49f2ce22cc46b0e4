"""Labelled texts: files, faults, parts, buckets by length."""

import csv
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.buckets import bucketed_order
from src.data.classification import LabelledTexts
from src.data.labelled import (
    LabelledRows,
    class_names,
    class_numbers,
    hold_out,
    read_labelled,
    shared_texts,
    survey,
)
from src.utils.errors import InputError
from tests.batches import check_pure, check_worker, whole


ROWS = [("good, very", "pos"), ('he said "no"\nand left', "neg"), ("día 👍", "pos")]


def labelled(*labels: str) -> LabelledRows:
    texts = [f"text {i}" for i in range(len(labels))]
    return LabelledRows(
        texts, list(labels), [f"a.csv:{i + 2}" for i in range(len(labels))]
    )


@pytest.mark.spec("SEQ-025", "read the same from CSV and JSONL")
def test_csv_and_jsonl_read_the_same(tmp_path):
    with open(tmp_path / "a.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "Text", "Label"])
        writer.writerows([(i, *row) for i, row in enumerate(ROWS)])
    lines = [json.dumps({"text": text, "label": name}) for text, name in ROWS]
    (tmp_path / "a.jsonl").write_text("\n\n".join(lines) + "\n")
    from_csv = read_labelled(tmp_path / "a.csv")
    from_json = read_labelled(tmp_path / "a.jsonl")
    assert list(zip(from_csv.texts, from_csv.labels, strict=True)) == ROWS
    assert from_json[:2] == from_csv[:2]
    assert from_csv.places == [f"{tmp_path}/a.csv:{n}" for n in (2, 3, 5)]
    assert from_json.places == [f"{tmp_path}/a.jsonl:{n}" for n in (1, 3, 5)]


@pytest.mark.spec("SEQ-025", "each fault is named with file and line")
@pytest.mark.parametrize(
    "name, data, words",
    [
        ("a.csv", "text,label\nok,1\na,b,c\n", "a.csv:3: 3 fields, the header has 2;"),
        ("a.csv", 'text,label\n"two\nlines",1\na\n', "a.csv:4: 1 fields"),
        ("a.csv", "text,class\nok,1\n", "a.csv:1: the header is .* column 'label'"),
        ("a.csv", "text,label,text\nok,1,2\n", "a.csv:1: .* needs one column 'text'"),
        ("a.csv", 'text,label\n\n"ok,1\n', "a.csv:3: is not CSV"),
        ("a.csv", 'text,label\n"a"b,1\n', "a.csv:2: is not CSV"),
        ("a.csv", "text,label\n  ,1\n", "a.csv:2: the text is empty"),
        ("a.csv", "text,label\nok,\n", "a.csv:2: the label is empty"),
        ("a.csv", "text,label\n", "a.csv: has no rows"),
        ("a.csv", "", r"a.csv: is empty \(0 bytes\)"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": "a"', "jsonl:2: is not JSON"),
        ("a.jsonl", '\n["a", "b"]', r'jsonl:2: must be \{"text"'),
        ("a.jsonl", '{"text": "a"}', r'jsonl:1: must be \{"text"'),
        ("a.jsonl", '{"text": 3, "label": 1}', "jsonl:1: the text is 3; it must be a"),
        ("a.jsonl", '{"text": "a", "label": true}', "jsonl:1: the label is True"),
        ("a.jsonl", '{"text": "", "label": 0}', "jsonl:1: the text is empty"),
        ("a.jsonl", "[" * 100_000, "jsonl:1: is not JSON"),
        ("a.tsv", "text\tlabel", "a.tsv: ends in .tsv; .* .csv or .jsonl"),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path, name, data, words):
    (tmp_path / name).write_text(data)
    with pytest.raises(InputError, match=words):
        read_labelled(tmp_path / name)


def test_classes_are_named_and_numbered():
    assert class_names(["b", "a", "b"]) == ("a", "b")
    assert class_names(["10", "9", "10"]) == ("9", "10")
    assert class_numbers(labelled("b", "a"), ("a", "b")).tolist() == [1, 0]
    with pytest.raises(InputError, match=r"the only label is 'a'; two classes"):
        class_names(["a", "a"])
    with pytest.raises(InputError, match=r"a.csv:3: the label 'c' is none of .* a, b"):
        class_numbers(labelled("a", "c"), ("a", "b"))


@given(
    st.lists(st.sampled_from("abc"), min_size=6, max_size=60),
    st.integers(0, 3),
    st.sampled_from([0.05, 0.3, 0.95]),
)
def test_each_class_is_held_out_by_its_share(letters, seed, share):
    whole_set = labelled(*letters, "a", "a", "b", "b")
    counts = {name: whole_set.labels.count(name) for name in set(whole_set.labels)}
    if counts.get("c") == 1:
        with pytest.raises(InputError, match="the only text labelled 'c'"):
            hold_out(whole_set, share, seed)
        return
    kept, held = hold_out(whole_set, share, seed)
    for name, count in counts.items():
        wanted = max(1, round(share * count))
        assert held.labels.count(name) == min(wanted, count - 1)
    assert sorted([*kept.texts, *held.texts]) == sorted(whole_set.texts)
    for part in (kept, held):
        for row in zip(*part, strict=True):
            assert row in set(zip(*whole_set, strict=True))
    assert hold_out(whole_set, share, seed) == (kept, held)


@pytest.mark.spec("SEQ-025", "texts that are in two parts are counted")
def test_texts_in_two_parts_are_counted():
    train, test = labelled("a", "b", "a"), labelled("b", "b")
    assert shared_texts({"train": train, "test": test}) == {
        ("train", "test"): ["a.csv:2", "a.csv:3"]
    }
    assert survey({"train": train, "test": test}) == [
        "train: 3 texts (a 2, b 1)",
        "test: 2 texts (b 2)",
        "2 texts of test are in train too; the first: a.csv:2",
    ]
    other = LabelledRows(["else"], ["a"], ["b.csv:2"])
    assert shared_texts({"train": train, "test": other}) == {}


def padding_share(lengths: np.ndarray, order: np.ndarray, batch_size: int) -> float:
    """Where each batch is as long as its longest sample."""
    ordered = lengths[order]
    longest = [
        part.max() * len(part)
        for part in np.split(ordered, range(batch_size, len(ordered), batch_size))
    ]
    return float(1 - ordered.sum() / np.sum(longest))


def texts() -> LabelledTexts:
    rows = [range(i, i + i % 23 + 1) for i in range(1, 61)]
    return LabelledTexts(rows, [i % 3 for i in range(60)], pad=0, longest=20)


def test_a_batch_is_as_long_as_its_longest_text():
    data = texts()
    batch = data.__getitems__([(0, 1), (0, 4), (0, 21)])
    assert batch["tokens"].shape == (3, 20) and data.cut == 6
    assert batch["pad_mask"].sum(1).tolist() == [3, 6, 20]
    assert batch["tokens"][0].tolist() == [2, 3, 4] + [0] * 17
    assert batch["tokens"][2].tolist() == list(range(22, 42))  # of 23 the first 20
    assert batch["target"].tolist() == [1, 1, 0]
    assert data.__getitems__([(0, 22)])["tokens"].tolist() == [[23]]


@pytest.mark.spec("SEQ-015", "the same alone, in any batch, in a worker")
def test_labelled_texts_are_pure_functions_of_their_index():
    check_pure(texts())
    check_worker(texts(), 8)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="1 texts and 2 classes"):
        LabelledTexts([[1]], [0, 1], pad=0, longest=3)
    with pytest.raises(ValueError, match="each text: at least 1 token"):
        LabelledTexts([[1], []], [0, 1], pad=0, longest=3)


@pytest.mark.spec("SEQ-026", "each sample once, in an order that (seed, epoch) decides")
@given(
    st.lists(st.integers(1, 99), min_size=1, max_size=200),
    st.integers(1, 20),
    st.integers(0, 3),
)
def test_buckets_hold_each_sample_once(lengths, batch_size, epoch):
    lengths = np.array(lengths)
    order = bucketed_order(lengths, 5, epoch, batch_size)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert np.array_equal(order, bucketed_order(lengths, 5, epoch, batch_size))
    whole_batches = len(lengths) // batch_size * batch_size
    by_batch = lengths[order[:whole_batches]].reshape(-1, batch_size)
    assert (np.diff(by_batch, axis=1) >= 0).all()  # sorted within a batch


@pytest.mark.spec("SEQ-026", "with less than a third of the padding of a random order")
def test_buckets_save_padding():
    rng = np.random.default_rng(0)
    lengths = rng.geometric(0.02, 5000)
    order = bucketed_order(lengths, 0, 0, 32)
    random = padding_share(lengths, rng.permutation(5000), 32)
    assert random > 0.7
    assert padding_share(lengths, order, 32) < random / 3
    assert not np.array_equal(order, bucketed_order(lengths, 0, 1, 32))
    assert not np.array_equal(order, bucketed_order(lengths, 1, 0, 32))
    # The batches come shuffled: the length of one says nothing of the next.
    means = lengths[order[:4992]].reshape(-1, 32).mean(1)
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 0.25


def test_what_fills_no_batch_is_random_and_not_the_longest():
    lengths = np.arange(1000)
    rest = [bucketed_order(lengths, 0, epoch, 300)[900:] for epoch in range(5)]
    assert all(400 < lengths[part].mean() < 600 for part in rest)


def test_padding_is_counted_as_it_is_made():
    data = texts()
    order = data.order(0, 0, 8)
    made = [
        data.__getitems__([(0, int(i)) for i in part])["pad_mask"]
        for part in np.split(order, range(8, 60, 8))
    ]
    real = sum(int(mask.sum()) for mask in made) / sum(mask.numel() for mask in made)
    share = padding_share(data.rows.lengths, order, 8)
    assert share == pytest.approx(1 - real, abs=1e-12)
    assert torch.equal(whole(data)["pad_mask"].sum(1), torch.tensor(data.rows.lengths))
