"""The points of a sweep: grids, seeds and the names of run folders."""

import pytest

from tools.projects import WorkspaceError
from tools.sweep_points import Point, all_points, grid_axis, in_words, seeds_of


@pytest.mark.spec("WSP-121", "in brackets or quotes is one value")
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", ["1"]),
        ("a.b=1e-3, 2 ,1e-3", ["1e-3", "2"]),
        ("w=[8,16],[16,32]", ["[8,16]", "[16,32]"]),
        ("w=[],[[1,2],3]", ["[]", "[[1,2],3]"]),
        ("w={a: 1, b: [2,3]},{}", ["{a: 1, b: [2,3]}", "{}"]),
        ("w='a,b',\"c]\"", ["'a,b'", '"c]"']),
        ("w=a=b,c", ["a=b", "c"]),
    ],
)
def test_values_of_a_grid(text, values):
    assert grid_axis(text)[1] == values


@pytest.mark.spec("WSP-121", "anything else is refused in a sentence")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "write key=value"),
        ("=1", "write key=value"),
        ("a..b=1", "write key=value"),
        ("a=", "a value is empty"),
        ("a=1,,2", "a value is empty"),
        ("a=[1,2", "a bracket is opened and not closed"),
        ("a=1]", "a bracket is closed and not opened"),
        ("a=[1)", "a bracket is closed and not opened"),
        ("a='1", "a quote is opened and not closed"),
        ("a=1\n2", "line break"),
    ],
)
def test_a_grid_that_is_none(text, said):
    with pytest.raises(WorkspaceError, match=said):
        grid_axis(text)


def test_seeds():
    assert seeds_of("0-2,7, 1") == [0, 1, 2, 7]
    for text in ("", "a", "3-1", "-1", "0-", "0-99999999"):
        with pytest.raises(WorkspaceError, match="--seeds"):
            seeds_of(text)


@pytest.mark.parametrize(
    ("fixed", "grid", "said"),
    [
        (["a=1"], ["a=2"], "a is given twice"),
        ([], ["a=1", "a=2"], "a is given twice"),
        (["seed=1"], [], "--seeds"),
        (["a"], [], "write key=value"),
        (["a.b=1"], ["a={b: 2}"], "a.b is inside a;"),
    ],
)
def test_a_key_is_given_once(fixed, grid, said):
    with pytest.raises(WorkspaceError, match=said):
        all_points(fixed, grid, [0])


def test_names_differ_where_the_overrides_do():
    texts = ["w=8,16", "w=[8,16]", "w=[81,6]", "w=[8],[16]", "w=8_16", "w=" + "9" * 200]
    texts += ["w=" + "9" * 201, "", "w=a/b", "w=../b"]
    names = [Point((text,) if text else (), 0).name for text in texts]
    assert len(set(names)) == len(texts)
    assert all(len(name) < 130 and "/" not in name for name in names)
    two = Point(("train.epochs=3", "optim.lr=0.1"), 3)
    assert two.name == "optim.lr=0.1,train.epochs=3-seed3"
    fold = Point((), 0, ("data.folds=5", "data.fold=2"))
    assert fold.name == "base-seed0-folds5-fold2"


def test_how_many_runs_in_words():
    folds = [("a.fold=0",), ("a.fold=1",)]
    assert in_words(all_points([], [], [0])) == "1 point x 1 seed = 1 run"
    many = all_points([], ["a=1,2"], [0, 1], folds)
    assert in_words(many) == "2 points x 2 seeds x 2 folds = 8 runs"
