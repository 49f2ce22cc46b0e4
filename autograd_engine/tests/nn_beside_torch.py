"""A module beside torch's with the same weights: outputs, gradients, buffers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import src as ag
from src import nn


def same_module(
    ours: nn.Module,
    theirs: torch.nn.Module,
    *arrays: np.ndarray,
    call: Callable = lambda module, *inputs: module(*inputs),
    steps: int = 1,
    rtol: float = 1e-10,
    parity: Any = None,
) -> None:
    """In training for `steps` batches, then in evaluation; `call` runs a module.

    The fixture `parity` keeps the largest errors.
    """
    theirs.double()
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    ours.double().load_state_dict(state)
    for module in (ours, theirs):
        module.train()
    for step in range(steps):
        moved = [shifted(a, step) for a in arrays]
        same_gradients(ours, theirs, moved, call, rtol, parity)
    same_state(ours, theirs, rtol)
    ours.eval(), theirs.eval()
    same_gradients(ours, theirs, arrays, call, rtol, parity)
    same_state(ours, theirs, rtol)


def same_gradients(ours, theirs, arrays, call, rtol, parity) -> None:
    found = outcome(ag, ours, arrays, call)
    wanted = outcome(torch, theirs, arrays, call)
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert found[name].shape == wanted[name].shape, name
        assert found[name].dtype == wanted[name].dtype, name
        np.testing.assert_allclose(
            found[name], wanted[name], rtol=rtol, atol=rtol, err_msg=name
        )
        if parity and wanted[name].size:
            gradient = name.startswith("gradient")
            keep = parity.gradient if gradient else parity.value
            keep(found[name], wanted[name], atol=rtol)


def same_state(ours, theirs, rtol) -> None:
    found, wanted = ours.state_dict(), theirs.state_dict()
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.numpy().dtype, name
        np.testing.assert_allclose(found[name], value, rtol=rtol, atol=rtol)


def outcome(lib: Any, module: Any, arrays: Any, call: Callable) -> dict[str, Any]:
    """Outputs, and the gradients of inputs and parameters."""
    inputs = [lib.tensor(a) for a in arrays]
    for x in inputs:
        x.requires_grad_(x.dtype == lib.float64)
    module.zero_grad()
    outputs = list(tensors(call(module, *inputs)))
    found = {f"output {i}": values(out) for i, out in enumerate(outputs)}
    loss = 0
    for out in outputs:
        slopes = np.cos(np.arange(out.numel())).reshape(tuple(out.shape))
        loss = loss + (out * lib.tensor(slopes)).sum()
    if loss.requires_grad:
        loss.backward()
    named = {f"input {i}": x for i, x in enumerate(inputs)}
    named |= dict(module.named_parameters())
    gradients = {n: values(t.grad) for n, t in named.items() if t.grad is not None}
    return found | {f"gradient of {n}": g for n, g in gradients.items()}


def tensors(out: Any) -> Any:
    """All tensors of a result, however nested."""
    if isinstance(out, (tuple, list)):
        for part in out:
            yield from tensors(part)
    elif out is not None:
        yield out


def shifted(array: np.ndarray, step: int) -> np.ndarray:
    return array if array.dtype != np.float64 else array + 0.3 * step


def values(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().numpy())


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)
