# pattern: tests/test_contract_errors.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_contract_errors.py --from <sub-project>
"""What `@contract` refuses, what it says, and what it leaves alone."""

import traceback
from typing import Literal

import jaxtyping
import pytest
import torch
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Bool, Float, Int, jaxtyped
from torch import Tensor, nn

from src.utils.contracts import ContractError, contract


@contract
def score(
    tokens: Int[Tensor, "batch time"],
    mask: Bool[Tensor, "batch time"] | None = None,
    *,
    scale: float = 1.0,
    kind: Literal["sum", "mean"] = "sum",
    size: tuple[int, int] | None = None,
    items: list[Float[Tensor, "time 2*time"]] | None = None,
    pair: tuple[Float[Tensor, " batch"], Float[Tensor, " other"]] | None = None,
) -> Float[Tensor, "batch time//2"]:
    return torch.zeros(len(tokens), tokens.shape[1] // 2)


class Mix(nn.Module):
    def __init__(self, width: int = 3):
        super().__init__()
        self.width = width
        self.weight = nn.Parameter(torch.ones(width))

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch {self.width} *sides"],
        y: Float[Tensor, "batch 2*{self.width} *sides"] | None = None,
    ) -> Float[Tensor, " batch *sides"]:
        return torch.einsum("bc...,c->b...", x, self.weight)


TOKENS = torch.zeros(2, 5, dtype=torch.int64)
X = torch.ones(2, 3, 4)


def message(call, *args, **kwargs) -> str:
    with pytest.raises(ContractError) as error:
        call(*args, **kwargs)
    return str(error.value)


def test_a_wrong_axis_is_shown_in_a_table():
    assert message(score, TOKENS, torch.zeros(2, 6, dtype=torch.bool)) == (
        "score got a wrong `mask`\n"
        '    tokens  Int[Tensor, "batch time"]          int64[2, 5]\n'
        '  > mask    Bool[Tensor, "batch time"] | None  bool[2, 6]'
        "   <- axis time is 6, but `tokens` fixed time = 5"
    )


@pytest.mark.parametrize(
    "keywords, reason",
    [
        ({"tokens": torch.zeros(2, 5)}, "dtype is float32, not Int"),
        ({"tokens": TOKENS[0]}, "rank is 1, not 2"),
        ({"tokens": [[1, 2]]}, "is not a Tensor"),
        ({"mask": TOKENS}, "dtype is int64, not Bool"),
        ({"mask": "all"}, 'is not Bool[Tensor, "batch time"] | None'),
        ({"scale": "2"}, "is not float"),
        ({"kind": "max"}, "is not Literal['sum', 'mean']"),
        ({"size": (1, 2.5)}, "is not tuple[int, int] | None"),
        (
            {"items": [torch.ones(5, 10)] * 3 + [torch.ones(5, 9)]},
            "item 3: axis 2*time",
        ),
        ({"pair": (torch.ones(2), torch.ones(2, 2))}, "item 1: rank is 2, not 1"),
        ({"pair": (torch.ones(2),)}, "has 1 items, not 2"),
    ],
)
def test_every_kind_of_argument_is_judged(keywords, reason):
    text = message(score, **{"tokens": TOKENS} | keywords)
    (line,) = [line for line in text.splitlines() if line.startswith("  > ")]
    assert line.startswith(f"  > {list(keywords)[0]} ")
    assert f"   <- {reason}" in line


def test_an_expression_says_which_axis_decided():
    text = message(score, TOKENS, items=[torch.ones(5, 9)])
    assert text.endswith(
        "axis 2*time is 9, should be 10, because `tokens` fixed time = 5"
    )


def test_an_axis_of_the_constructor_is_evaluated():
    assert message(Mix(), X[:, :2]).splitlines()[:2] == [
        "Mix.forward got a wrong `x`",
        '  > x  Float[Tensor, "batch {self.width} *sides"]  float32[2, 2, 4]'
        "   <- axis {self.width} is 2, should be 3",
    ]
    assert "axis 2*{self.width} is 5, should be 6" in message(
        Mix(), X, torch.ones(2, 5, 4)
    )
    text = message(Mix(), X, torch.ones(2, 6, 4, 7))
    assert "axis *sides is [4, 7], but `x` fixed *sides = (4,)" in text


def test_a_wrong_result_is_named():
    @contract
    def half(
        x: Float[Tensor, "batch time"],
    ) -> tuple[int, Float[Tensor, "batch time//2"]]:
        return 1, x

    assert (
        message(half, torch.ones(2, 6))
        .splitlines()[0]
        .endswith("half returned a wrong value")
    )
    assert "item 1: axis time//2 is 6, should be 3" in message(half, torch.ones(2, 6))


def test_no_error_prints_what_is_inside_a_tensor():
    secret = torch.full((2, 5), 123456.0)
    for keywords in ({"tokens": secret}, {"tokens": TOKENS, "scale": secret}):
        assert "123456" not in message(score, **keywords)
    assert "123456" not in message(score, TOKENS, size=(secret, [secret]))


def test_the_traceback_ends_in_the_contract_without_a_cause():
    with pytest.raises(ContractError) as error:
        score(TOKENS[0])
    assert error.value.__cause__ is None and error.value.__suppress_context__
    assert len(traceback.extract_tb(error.value.__traceback__)) == 2


def test_a_union_binds_the_axes_of_the_alternative_that_fits_and_no_others():
    @contract
    def f(
        x: Float[Tensor, "a 3"] | Float[Tensor, "b a"] | None, y: Float[Tensor, " a"]
    ) -> None: ...

    f(torch.ones(2, 4), torch.ones(4))
    assert "but `x` fixed a = 4" in message(f, torch.ones(2, 4), torch.ones(2))


def test_any_number_of_axes_may_be_none():
    assert Mix()(X[:, :, 0]).shape == (2,)
    assert "rank is 1, not at least 2" in message(Mix(), X[0, :, 0])


def test_a_missing_argument_is_the_usual_error():
    with pytest.raises(TypeError, match="missing .*'tokens'"):
        score()


def test_positional_and_keyword_and_collected_arguments_are_checked():
    @contract
    def join(*parts: Float[Tensor, "n k"], **more: Float[Tensor, "n k"]) -> None: ...

    row = torch.ones(2, 3)
    join(row, row, last=row)
    assert "got a wrong `parts`" in message(join, row, row.T)
    assert "got a wrong `more`" in message(join, row, last=row[0])


def test_an_int_passes_for_a_float_but_not_the_other_way():
    @contract
    def f(a: float, b: int) -> None: ...

    f(1, 1)
    assert "got a wrong `b`" in message(f, 1.0, 1.0)


@pytest.mark.parametrize("axes", ["b,c", "b c+", "b #c"])
def test_an_axis_that_cannot_be_read_fails_at_import(axes):
    with pytest.raises(ValueError):

        @contract
        def f(x: Float[Tensor, axes]) -> None: ...


def test_an_annotation_that_is_a_string_fails_at_import():
    with pytest.raises(TypeError, match="real annotations"):

        @contract
        def f(x: "Tensor") -> None: ...


def test_an_axis_that_nothing_fixed_is_said():
    @contract
    def f(x: Float[Tensor, " 2*height"]) -> None: ...

    assert message(f, torch.ones(4)).endswith(
        "axis 2*height needs height, which nothing fixed"
    )


PLAIN = st.sampled_from(["a", "b", "2*a", "a//2", "a+b", "3", "_", "1"])
MANY = st.sampled_from(["...", "*s", "*t"])
AXES = st.tuples(st.lists(PLAIN, max_size=3), st.lists(MANY, max_size=1)).flatmap(
    lambda parts: st.permutations(parts[0] + parts[1]).map(" ".join)
)
SHAPE = st.lists(st.integers(0, 4), max_size=4)


@given(st.lists(st.tuples(AXES, SHAPE), min_size=3, max_size=3))
def test_it_accepts_exactly_what_jaxtyping_accepts(pairs):
    (a, b, out), shapes = zip(*pairs, strict=True)

    def f(x: Float[Tensor, a], y: Float[Tensor, b] | None) -> Float[Tensor, out]:
        return torch.empty(shapes[2])

    def accepts(function) -> bool:
        try:
            function(torch.empty(shapes[0]), torch.empty(shapes[1]))
        except (TypeError, jaxtyping.TypeCheckError, jaxtyping.AnnotationError):
            return False
        return True

    assert accepts(contract(f)) == accepts(jaxtyped(f, typechecker=beartype))


# local: begin
pytest.mark.spec("ASR-145", "the argument, the axis, the size that it has")(
    test_a_wrong_axis_is_shown_in_a_table
)
pytest.mark.spec("ASR-145", "A wrong result")(test_a_wrong_result_is_named)
pytest.mark.spec("ASR-145", "never what is inside a tensor")(
    test_no_error_prints_what_is_inside_a_tensor
)
# local: end
