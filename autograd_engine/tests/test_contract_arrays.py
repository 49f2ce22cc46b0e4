"""What `@contract` refuses of arrays and tensors, what it says, and what it leaves."""

import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Literal

import jaxtyping
import numpy as np
import pytest
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Bool, Float, Float64, Int, jaxtyped

from src.engine.tensor import Tensor
from src.utils.contracts import REGISTRY, ContractError, contract, disable_contracts


class Shaped:
    """All that a tensor needs to be judged: a shape and a dtype."""

    def __init__(self, array: np.ndarray):
        self.shape, self.dtype = array.shape, array.dtype


KINDS = (np.ndarray, Tensor, Shaped)
SIZES = st.lists(st.integers(0, 4), max_size=4)


def make(kind: type, *shape: int, dtype: str = "float32") -> Any:
    array = np.full(shape, 123456 if dtype != "bool" else 1, dtype)
    return array if kind is np.ndarray else kind(array)


@contract
def score(
    tokens: Int[np.ndarray, "batch time"],
    mask: Bool[np.ndarray, "batch time"] | None = None,
    *,
    scale: float = 1.0,
    kind: Literal["sum", "mean"] = "sum",
    size: tuple[int, int] | None = None,
    items: list[Float[Tensor, "time 2*time"]] | None = None,
    pair: tuple[Float[Tensor, " batch"], Float[Tensor, " other"]] | None = None,
) -> Float[np.ndarray, "batch time//2"]:
    return np.zeros((len(tokens), tokens.shape[1] // 2))


class Mix:
    def __init__(self, width: int = 3):
        self.width = width

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch {self.width} *sides"],
        y: Float[Tensor, "batch 2*{self.width} *sides"] | None = None,
    ) -> Float[Tensor, " batch *sides"]:
        return Tensor(x.data.sum(1))


TOKENS = np.full((2, 5), 123456)


def message(call, *args, **kwargs) -> str:
    with pytest.raises(ContractError) as error:
        call(*args, **kwargs)
    return str(error.value)


@pytest.mark.spec("AGE-070", "the size it has, the size it should have")
def test_a_wrong_axis_is_shown_in_a_table():
    assert message(score, TOKENS, make(np.ndarray, 2, 6, dtype="bool")) == (
        "score got a wrong `mask`\n"
        '    tokens  Int[ndarray, "batch time"]          int64[2, 5]\n'
        '  > mask    Bool[ndarray, "batch time"] | None  bool[2, 6]'
        "   <- axis time is 6, but `tokens` fixed time = 5"
    )


@pytest.mark.spec("AGE-070", "an array or a tensor that does not fit a signature")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape, dtype, reason",
    [
        ((2, 3, 4), "int64", "dtype is int64, not Float"),
        ((2, 3, 4), "bool", "dtype is bool, not Float"),
        ((2, 3), "float32", "rank is 2, not 3"),
        ((2, 3, 4, 1), "float64", "rank is 4, not 3"),
        ((2, 3, 5), "float64", "axis 2*b is 5, should be 4, because `x` fixed b = 2"),
        ((2, 2, 4), "float64", "axis 3 is 2, should be 3"),
    ],
)
def test_each_kind_of_tensor_is_judged_by_its_shape_and_dtype(
    kind, shape, dtype, reason
):
    @contract
    def f(x: Float[kind, "b 3 2*b"]) -> None: ...

    f(make(kind, 2, 3, 4))
    f(make(kind, 0, 3, 0, dtype="float64"))
    text = message(f, make(kind, *shape, dtype=dtype))
    found = f"{dtype}{list(shape)}   <- {reason}"
    assert text.endswith(f'Float[{kind.__name__}, "b 3 2*b"]  {found}')


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_of_tensor_is_not_another(kind):
    @contract
    def f(x: Float[kind, "..."]) -> None: ...

    f(make(kind))
    for other in KINDS:
        if other is not kind:
            assert f"is not a {kind.__name__}" in message(f, make(other, 2))
    assert f"is not a {kind.__name__}" in message(f, [1.0])


def test_a_dtype_may_be_fixed():
    @contract
    def f(x: Float64[Tensor, "..."]) -> None: ...

    f(make(Tensor, 2, dtype="float64"))
    assert "dtype is float32, not Float64" in message(f, make(Tensor, 2))


@pytest.mark.parametrize(
    "keywords, reason",
    [
        ({"tokens": [[1, 2]]}, "is not a ndarray"),
        ({"mask": "all"}, 'is not Bool[ndarray, "batch time"] | None'),
        ({"scale": "2"}, "is not float"),
        ({"kind": "max"}, "is not Literal['sum', 'mean']"),
        ({"size": (1, 2.5)}, "is not tuple[int, int] | None"),
        (
            {"items": [make(Tensor, 5, 10)] * 3 + [make(Tensor, 5, 9)]},
            "item 3: axis 2*time is 9, should be 10, because `tokens` fixed time = 5",
        ),
        ({"pair": (make(Tensor, 2), make(Tensor, 2, 2))}, "item 1: rank is 2, not 1"),
        ({"pair": (make(Tensor, 2),)}, "has 1 items, not 2"),
    ],
)
def test_every_kind_of_argument_is_judged(keywords, reason):
    text = message(score, **{"tokens": TOKENS} | keywords)
    (line,) = [line for line in text.splitlines() if line.startswith("  > ")]
    assert line.startswith(f"  > {list(keywords)[0]} ")
    assert f"   <- {reason}" in line


def test_an_axis_of_the_constructor_is_evaluated():
    assert message(Mix().forward, make(Tensor, 2, 2, 4)).splitlines()[:2] == [
        "Mix.forward got a wrong `x`",
        '  > x  Float[Tensor, "batch {self.width} *sides"]  float32[2, 2, 4]'
        "   <- axis {self.width} is 2, should be 3",
    ]
    x = make(Tensor, 2, 3, 4)
    text = message(Mix().forward, x, make(Tensor, 2, 5, 4))
    assert "axis 2*{self.width} is 5, should be 6" in text
    text = message(Mix().forward, x, make(Tensor, 2, 6, 4, 7))
    assert "axis *sides is [4, 7], but `x` fixed *sides = (4,)" in text
    assert Mix().forward(make(Tensor, 2, 3)).shape == (2,)


def test_a_wrong_result_is_named():
    @contract
    def half(x: Float[Tensor, "b t"]) -> tuple[int, Float[Tensor, "b t//2"]]:
        return 1, x

    lines = message(half, make(Tensor, 2, 6)).splitlines()
    assert lines[0].endswith("half returned a wrong value")
    assert "item 1: axis t//2 is 6, should be 3" in lines[-1]


@pytest.mark.spec("AGE-070", "never what is inside")
@pytest.mark.parametrize("kind", KINDS)
def test_no_error_prints_what_is_inside_a_tensor(kind):
    secret = make(kind, 2, 5)
    for keywords in ({"tokens": secret}, {"tokens": TOKENS, "scale": secret}):
        assert "123456" not in message(score, **keywords)
    assert "123456" not in message(score, TOKENS, size=(secret, [secret]))


def test_the_traceback_ends_in_the_contract_without_a_cause():
    with pytest.raises(ContractError) as error:
        score(TOKENS[0])
    assert error.value.__cause__ is None and error.value.__suppress_context__
    assert len(traceback.extract_tb(error.value.__traceback__)) == 2


def test_an_annotation_that_cannot_be_read_fails_at_import():
    with pytest.raises(TypeError, match="real annotations"):

        @contract
        def f(x: "Tensor") -> None: ...

    with pytest.raises(ValueError, match="cannot read the axis"):

        @contract
        def g(x: Float[Tensor, "b c+"]) -> None: ...


PLAIN = st.sampled_from(["a", "b", "2*a", "a//2", "a+b", "3", "_", "1"])
MANY = st.sampled_from(["...", "*s", "*t"])
AXES = st.tuples(st.lists(PLAIN, max_size=3), st.lists(MANY, max_size=1)).flatmap(
    lambda parts: st.permutations(parts[0] + parts[1]).map(" ".join)
)


@given(st.sampled_from(KINDS), st.lists(st.tuples(AXES, SIZES), min_size=3, max_size=3))
def test_it_accepts_exactly_what_jaxtyping_accepts(kind, pairs):
    (a, b, out), shapes = zip(*pairs, strict=True)

    def f(x: Float[kind, a], y: Float[kind, b] | None) -> Float[kind, out]:
        return make(kind, *shapes[2])

    def accepts(function) -> bool:
        try:
            function(make(kind, *shapes[0]), make(kind, *shapes[1]))
        except (TypeError, jaxtyping.TypeCheckError, jaxtyping.AnnotationError):
            return False
        return True

    assert accepts(contract(f)) == accepts(jaxtyped(f, typechecker=beartype))


@pytest.mark.spec("AGE-070", "`JAXTYPING_DISABLE=1`")
def test_the_environment_turns_it_off():
    code = "from tests.test_contract_arrays import *; print(score(TOKENS * 1.0).shape)"
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"JAXTYPING_DISABLE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True)
    assert done.stdout.startswith(b"(2, 2)"), done.stderr


@pytest.mark.spec("AGE-070", "`disable_contracts()`")
def test_the_switch_works_on_functions_that_are_already_decorated(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", False)
    disable_contracts()
    assert score(TOKENS * 1.0).shape == (2, 2)
    jaxtyping.config.update("jaxtyping_disable", False)
    message(score, TOKENS * 1.0)


def test_every_contract_is_listed_by_module_and_name():
    assert REGISTRY["test_contract_arrays.Mix.forward"] is Mix.forward
