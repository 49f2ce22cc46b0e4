# pattern: tests/test_contract_fields.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_contract_fields.py --from <sub-project>
"""Contracts look into a NamedTuple: its fields are annotated like arguments."""

from typing import NamedTuple

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from src.utils.contracts import ContractError, contract
from tests.contract_docs import rows_of
from tests.contract_values import misfit


class Pair(NamedTuple):
    values: Float[Tensor, "batch time"]
    lengths: Int[Tensor, " batch"]
    name: str = ""


class Nested(NamedTuple):
    pair: Pair
    more: Float[Tensor, " time"] | None = None


@contract
def give(x: Float[Tensor, "batch time"], result: tuple) -> Pair:
    return result


@contract
def take(pair: Pair | None, weights: Float[Tensor, " time"]) -> Nested:
    return Nested(pair, weights)


GOOD = Pair(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64))


def refusal(function, *arguments) -> str:
    with pytest.raises(ContractError) as error:
        function(*arguments)
    return str(error.value)


def test_fields_that_fit_pass():
    assert give(torch.zeros(2, 3), GOOD) is GOOD
    assert take(GOOD, torch.zeros(3)).pair is GOOD


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (GOOD._replace(values=torch.zeros(2, 4)), "values: axis time is 4"),
        (GOOD._replace(lengths=torch.zeros(2)), "lengths: dtype is float32, not Int"),
        (GOOD._replace(name=3), "name: is not str"),
        (tuple(GOOD), "is not Pair"),
    ],
)
def test_a_wrong_field_is_named(result, words):
    said = refusal(give, torch.zeros(2, 3), result)
    assert said.startswith("give returned a wrong value") and words in said


def test_fields_fix_the_axes_of_later_arguments():
    said = refusal(take, GOOD, torch.zeros(4))
    assert "axis time is 4" in said and "`pair` fixed time = 3" in said


def test_a_document_has_a_row_for_each_field_of_a_result():
    assert rows_of(give) == {
        "x": 'Float[Tensor, "batch time"]',
        "returns.values": 'Float[Tensor, "batch time"]',
        "returns.lengths": 'Int[Tensor, "batch"]',
    }
    assert "pair" not in rows_of(take) and rows_of(take)["returns.pair"] == "Pair"
    assert misfit(Nested, Nested(GOOD), {"time": 3}) is None
    assert "shape [2, 3]" in misfit(Nested, Nested(GOOD), {"time": 4})
