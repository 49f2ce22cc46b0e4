"""CSV tables: what is read, what is refused and where, and how the rows are split."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from src.data.tables import fit_standard, read_table, standardise, stratified_folds
from src.utils.errors import InputError


CANCER = Path(__file__).resolve().parents[1] / "data" / "breast_cancer.csv"
GOOD = 'a,"b, too",kind\n1,2.5,cat\n-3e2,4,dog\n\n5,6,cat\n'


def write(tmp_path, text: str) -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("end", ("\n", "\r\n"))
@pytest.mark.parametrize("mark", ("", "\ufeff"))
def test_a_table_is_read(tmp_path, end, mark):
    path = write(tmp_path, mark + GOOD.replace("\n", end))
    table = read_table(path, "kind")
    assert table.features.tolist() == [[1, 2.5], [-300, 4], [5, 6]]
    assert table.columns == ["a", "b, too"] and table.classes == ["cat", "dog"]
    assert table.labels.tolist() == [0, 1, 0] and table.labels.dtype == np.int64


def test_the_target_may_stand_anywhere_and_numbers_are_sorted_as_numbers(tmp_path):
    path = write(tmp_path, "y,x\n10,1\n9,2\n-1,3\n")
    table = read_table(path, "y")
    assert table.classes == ["-1", "9", "10"] and table.labels.tolist() == [2, 1, 0]


def test_chosen_columns_come_in_the_order_asked_for(tmp_path):
    table = read_table(write(tmp_path, GOOD), None, ["b, too", "a"])
    assert table.features[1].tolist() == [4, -300]
    assert not len(table.labels) and table.classes == []


FAULTS = [
    ("a,y\n1,0\n,1\n", "t.csv:3: a is missing"),
    ("a,y\n1,0\n  ,1\n", "t.csv:3: a is missing"),
    ("a,y\n1,0\n2,\n", "t.csv:3: y is missing; every row needs a class"),
    ("a,y\n1,0\n?,1\n", r"t.csv:3: a is '\?', not a finite number"),
    ("a,y\nnan,0\n", "t.csv:2: a is 'nan', not a finite number"),
    ("a,y\n1e999,0\n", "t.csv:2: a is '1e999', not a finite number"),
    ("a,y\n1_0,0\n", "t.csv:2: a is '1_0', not a finite number"),
    ("a,y\n1,2.5\n", "t.csv:2: y is '2.5', a measured number"),
    ("a,y\n1,nan\n", "t.csv:2: y is 'nan', a measured number"),
    ("a,y\n1,0,2\n", "t.csv:2: has 3 values, but the header 2 columns"),
    ("a,y\n\n1\n", "t.csv:3: has 1 values, but the header 2"),
    ("a,z\n1,0\n", r"t.csv:1: has no column 'y' \(data.target\); it has a, z"),
    ("a,a,y\n1,1,0\n", "t.csv:1: has the column 'a' twice"),
    ("a,,y\n1,1,0\n", "t.csv:1: needs a header with a name for each column"),
    ("\n1,2\n", "t.csv:1: needs a header"),
    ("1,2\n3,4\n", "t.csv:1: holds only numbers; the first line must name"),
    ("y\n1\n", "t.csv:1: has no column beside the target 'y'"),
    ("a,y\n", "t.csv: has a header but no rows"),
    ("", r"t.csv: is empty \(0 bytes\)"),
    ('a,y\n"1,0\n2,1\n', "t.csv:3: is not CSV"),
    ('"a\nb",y\n1,0\n', "t.csv:1: needs a header with a name for each column"),
    ('"a",y\n"1\n",0\nx,0\n', "t.csv:4: a is 'x'"),
]


@pytest.mark.spec("AGE-076", "is refused with file and line")
@pytest.mark.parametrize("text, words", FAULTS)
def test_a_faulty_table_is_refused(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_table(write(tmp_path, text), "y")


def test_a_column_that_is_asked_for_must_be_there(tmp_path):
    with pytest.raises(InputError, match="has no column 'c'; it has a, b, too, kind"):
        read_table(write(tmp_path, GOOD), None, ["a", "c"])
    with pytest.raises(InputError, match="gone.csv: no such file"):
        read_table(tmp_path / "gone.csv", "y")


@pytest.mark.spec("AGE-076", "equals scikit-learn's")
def test_the_breast_cancer_table_is_that_of_scikit_learn():
    table, wanted = read_table(CANCER, "diagnosis"), load_breast_cancer()
    np.testing.assert_array_equal(table.features, wanted.data)
    names = [table.classes[label] for label in table.labels]
    assert names == wanted.target_names[wanted.target].tolist()
    assert [n.replace("_", " ") for n in table.columns] == list(wanted.feature_names)


@pytest.mark.spec("AGE-076", "standardised by the training rows alone")
def test_standardised_as_scikit_learn_does_it():
    rows = np.random.default_rng(0).normal(3, 5, (50, 4)) * [1, 1e-9, 1e6, 0]
    train, test = rows[:30], rows[30:]
    mean, std = fit_standard(train)
    scaler = StandardScaler().fit(train)
    for part in (train, test):
        wanted = scaler.transform(part).astype(np.float32)
        np.testing.assert_allclose(standardise(part, mean, std), wanted, rtol=1e-6)
    assert standardise(test, mean, std).dtype == np.float32


def test_a_constant_column_becomes_zero():
    rows = np.full((7, 1), 0.1)
    mean, std = fit_standard(rows)
    assert std.tolist() == [1.0]
    assert np.abs(standardise(rows, mean, std)).max() < 1e-15


@pytest.mark.spec("AGE-076", "every row is in exactly one fold")
@given(
    st.lists(st.integers(0, 4), min_size=3, max_size=80),
    st.integers(2, 9),
    st.integers(0, 99),
)
def test_folds_partition_the_rows_and_share_each_class(labels, folds, seed):
    labels = np.array(labels)
    folds = min(folds, len(labels))
    parts = stratified_folds(labels, folds, seed)
    assert len(parts) == folds
    np.testing.assert_array_equal(
        np.sort(np.concatenate(parts)), np.arange(len(labels))
    )
    counts = np.array([np.bincount(labels[part], minlength=5) for part in parts])
    assert np.ptp(counts, 0).max() <= 1 and np.ptp(counts.sum(1)) <= 1
    again = stratified_folds(labels, folds, seed)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


def test_another_seed_deals_the_rows_otherwise():
    labels = np.arange(60) % 2
    one, two = (stratified_folds(labels, 5, seed)[0] for seed in (0, 1))
    assert one.tolist() != two.tolist()


def test_more_folds_than_rows_are_refused():
    with pytest.raises(ValueError, match="folds is 4; 2 to 3, the rows"):
        stratified_folds(np.array([0, 1, 0]), 4, 0)
