"""Names that users of PyTorch look for at the top and on tensors."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import src as ag
from src import functional as F
from tests.torch_compare import agree, normal


AT_THE_TOP = """relu softmax log_softmax dropout alpha_dropout conv1d conv2d conv3d
    conv_transpose2d max_pool1d max_pool2d avg_pool1d adaptive_avg_pool1d layer_norm
    group_norm rms_norm bilinear cosine_similarity pairwise_distance pixel_shuffle
    prelu celu selu rrelu hardshrink threshold""".split()
DTYPES = "float double half long int short float16 int8 uint8 bool".split()


@pytest.mark.spec("AGE-111", "at the top and as a method of a tensor, as PyTorch has")
@pytest.mark.parametrize("name", AT_THE_TOP)
def test_what_torch_has_at_the_top_is_there(name: str) -> None:
    assert getattr(ag, name) is getattr(F, name)
    assert hasattr(torch, name)
    if hasattr(torch.Tensor, name):
        assert hasattr(ag.Tensor, name)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_have_both_names_of_torch(name: str) -> None:
    told = str(getattr(torch, name)).removeprefix("torch.")
    assert getattr(ag, name) == np.dtype(told)


def test_constants_and_questions() -> None:
    assert (ag.pi, ag.e, ag.inf) == (torch.pi, torch.e, torch.inf)
    assert math.isnan(ag.nan)
    x, y = ag.ones(2, 3), torch.ones(2, 3)
    assert x[ag.newaxis].shape == (1, 2, 3)
    for a, b in ((x, y), (x.t(), y.t()), (x[:, ::2], y[:, ::2])):
        assert a.stride() == b.stride() and a.stride(1) == b.stride(1)
        assert a.nelement() == b.nelement() and a.nbytes == b.nbytes
        assert (a.itemsize, a.ndimension()) == (b.itemsize, b.ndimension())
        assert (a.is_cuda, a.is_cpu, a.is_complex()) == (False, True, False)
    assert ag.numel(x) == 6 and ag.is_tensor(x) and not ag.is_tensor(y)
    assert ag.is_floating_point(x) and not ag.is_floating_point(x.long())
    assert ag.broadcast_shapes((2, 1), (3,)) == (2, 3)
    assert ag.result_type(x, 1) == ag.float32
    assert ag.is_nonzero(ag.ones(1)) and not ag.zeros(1).is_nonzero()
    with pytest.raises(RuntimeError, match=r"\(2,\) and \(3,\) do not broadcast"):
        ag.broadcast_shapes((2,), (3,))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, math.inf])
def test_cdist(p: float) -> None:
    arrays = [normal(2, 3, 4), normal(2, 5, 4, seed=1)]
    agree(
        lambda x, y: ag.cdist(x, y, p),
        lambda x, y: torch.cdist(x, y, p),
        arrays,
        second=False,
    )
    with pytest.raises(RuntimeError, match="rows of one length"):
        ag.cdist(ag.ones(2, 3), ag.ones(2, 4))


PROGRAM = """
import sys
sys.modules["torch"] = None
import autograd_engine as ag
from autograd_engine import nn, optim
import autograd_engine.functional as F

ag.manual_seed(0)
x = ag.randn(64, 4)
y = (x.sum(1) > 0).long()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = optim.AdamW(model.parameters(), lr=1e-2)
for step in range(60):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
again = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
again.load_state_dict(model.state_dict())
with ag.no_grad():
    right = (again(x).argmax(1) == y).float().mean().item()
assert right > 0.9, right
assert ag.functional is F and ag.nn is nn and ag.optim is optim
"""


@pytest.mark.spec("AGE-111", "the package works in another folder, without torch")
def test_a_program_under_the_installed_name(tmp_path: Path) -> None:
    source = Path(ag.__file__).parent
    (tmp_path / "autograd_engine").symlink_to(source, target_is_directory=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


def test_a_list_of_numbers_that_do_not_fit_is_refused() -> None:
    for value, dtype in ((300, ag.int8), (-1, ag.uint8), (2**40, ag.int32)):
        with pytest.raises(RuntimeError, match=f"{value} does not fit into {dtype}"):
            ag.tensor([0, value], dtype=dtype)
    assert ag.tensor([[127, -128]], dtype=ag.int8).tolist() == [[127, -128]]
    assert ag.tensor([1.7, -1.7], dtype=ag.int8).tolist() == [1, -1]
