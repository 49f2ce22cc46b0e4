"""What differs between numpy and the stand-in for CuPy, as JSON, in its own process."""

import json
import traceback
from collections.abc import Callable

import numpy as np


def differences() -> dict[str, str]:
    """Each program of device_cases.py whose answer on the stand-in is another."""
    from tests.device_cases import programs

    return {name: note for name, run in programs().items() if (note := difference(run))}


def difference(run: Callable) -> str:
    expected = run("cpu")
    try:
        found = run("cuda")
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({line.filename}:{line.lineno})"
    if [(a.shape, a.dtype) for a in expected] != [(a.shape, a.dtype) for a in found]:
        return "shapes or dtypes"
    for a, b in zip(expected, found, strict=True):
        # On numpy some float32 results are computed in other pieces.
        close = 1e-5 if a.dtype == np.float32 else 1e-12
        if not np.allclose(a, b, rtol=close, atol=close, equal_nan=True):
            return f"{b} instead of {a}"
    return ""


def message(call: Callable) -> str:
    """The exception of `call` in a line, or that there is none."""
    try:
        return f"no exception: {call()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def strictness() -> dict[str, str]:
    """What CuPy refuses, asked of the stand-in."""
    import cupy

    x, host = cupy.asarray(np.arange(6.0)), np.arange(6.0)
    return {
        "implicit": message(lambda: np.asarray(x)),
        "mixed": message(lambda: x + host),
        "mixed stack": message(lambda: np.concatenate([x, host])),
        "assignment": message(lambda: x.__setitem__(slice(2), host[:2])),
        "reduce": message(lambda: np.maximum.reduce(x)),
        "initial": message(lambda: x.max(initial=0.0)),
        "errstate": message(lambda: cupy.errstate),
        "insert": message(lambda: np.insert(x, 0, 1.0)),
        "index": message(lambda: [1, 2][cupy.asarray(1)]),
        "scalar": type(x.sum()).__name__,
        "out of bounds": str(x[cupy.asarray([7])].item()),
    }


def refusals() -> dict[str, str]:
    """What the engine refuses on a GPU, where CuPy would go on in silence."""
    import src as ag
    from src import functional as F

    table = ag.ones(3, 4, device="cuda")
    far = ag.tensor([5], device="cuda")
    targets = ag.tensor([0, 1, 4], device="cuda")
    return {
        "embedding": message(lambda: F.embedding(far, table)),
        "index": message(lambda: table[far]),
        "index_select": message(lambda: table.index_select(0, far)),
        "gather": message(lambda: table.gather(0, far[None])),
        "scatter_add": message(
            lambda: table.scatter_add(0, far[None], far[None] * 1.0)
        ),
        "take": message(lambda: table.take(far * 9)),
        "cross_entropy": message(lambda: F.cross_entropy(table, targets)),
        "one_hot": message(lambda: F.one_hot(far, 3)),
        "expanded": message(lambda: table[0].expand(2, 4).add_(1)),
        "two devices": message(lambda: table + ag.ones(3, 4)),
        "two devices in matmul": message(lambda: table @ ag.ones(4, 2)),
        "tpu": message(lambda: table.to("tpu")),
        "numpy": message(lambda: np.asarray(table).sum()),
    }


def made() -> dict[str, str]:
    """Where new tensors are."""
    import src as ag

    x = ag.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    tensors = {
        "tensor": x,
        "copy": ag.tensor(x.data),
        "to": ag.ones(2).to("cuda"),
        "cuda": ag.ones(2).cuda(),
        "same": x.to("cuda") if x.to("cuda") is x else ag.ones(2),
        "zeros": ag.zeros(2, device="cuda"),
        "randn": ag.randn(2, device="cuda"),
        "arange": ag.arange(2, device="cuda"),
        "zeros_like": ag.zeros_like(x),
        "new_ones": x.new_ones(2),
        "number": 2 * x + 1,
    }
    return {name: tensor.device for name, tensor in tensors.items()}


if __name__ == "__main__":
    from tests.fake_cupy import install

    install()
    reports = {f.__name__: f() for f in (differences, strictness, refusals, made)}
    print(json.dumps(reports))
