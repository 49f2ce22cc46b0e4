# pattern: tests/test_contract_switch.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_contract_switch.py --from <sub-project>
"""Where `@contract` steps aside, and how it is switched off."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import jaxtyping
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from src.utils.contracts import REGISTRY, ContractError, contract, disable_contracts


@contract
def half(tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time//2"]:
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


X = torch.ones(2, 3, 4)


def refuses(call, *args) -> None:
    with pytest.raises(ContractError):
        call(*args)


@pytest.mark.filterwarnings("ignore")
def test_it_steps_aside_while_dynamo_traces():
    model = Mix()
    whole = torch.compile(model, backend="eager", fullgraph=True)
    assert torch.equal(whole(X), model(X))
    graphs = torch._dynamo.explain(model)(X)
    assert (graphs.graph_count, graphs.graph_break_count) == (1, 0)
    refuses(model, X[0])


def test_it_works_below_the_transforms_of_torch():
    model = Mix()
    parameters = dict(model.named_parameters())

    def one(x):
        return torch.func.functional_call(model, parameters, (x[None],))[0]

    assert torch.equal(torch.func.vmap(one)(X), model(X))
    x = X.clone().requires_grad_()
    checkpoint(model, x, use_reentrant=False).sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))
    assert torch.equal(copy.deepcopy(model)(X), model(X))
    assert model.to("meta")(X.to("meta")).shape == (2, 4)


def test_the_environment_turns_it_off():
    code = (
        "from tests.test_contract_switch import *; print(half(torch.ones(2, 5)).shape)"
    )
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"JAXTYPING_DISABLE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True)
    assert done.stdout.startswith(b"torch.Size([2, 2])"), done.stderr


def test_the_switch_works_on_functions_that_are_already_decorated(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", False)
    disable_contracts()
    assert half(torch.zeros(2, 5)).shape == (2, 2)
    jaxtyping.config.update("jaxtyping_disable", False)
    refuses(half, torch.zeros(2, 5))


def test_every_contract_is_listed_by_module_and_name():
    assert REGISTRY["test_contract_switch.Mix.forward"] is Mix.forward


# local: begin
pytest.mark.spec("ASR-146", "one graph without a break")(
    test_it_steps_aside_while_dynamo_traces
)
pytest.mark.spec("ASR-146", "`JAXTYPING_DISABLE=1`")(test_the_environment_turns_it_off)
pytest.mark.spec("ASR-146", "`disable_contracts()` or")(
    test_the_switch_works_on_functions_that_are_already_decorated
)
# local: end
