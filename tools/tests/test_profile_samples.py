"""Which phase a stack is of, and how samples add up: without a process."""

import io
import os
import sys
import types

import pytest

from tools import profile_child
from tools.profile_samples import read_samples
from tools.tests import fake


def code_of(file: str, name: str):
    """A function of the given name and file that calls what it is given."""
    found: dict = {}
    exec(compile(f"def {name}(then):\n    return then()\n", file, "exec"), found)
    return found[name]


@pytest.mark.spec("WSP-132", "the outermost call that fits decides")
@pytest.mark.parametrize(
    ("stack", "phase"),
    [
        ([], "rest"),
        (["/p/src/training/trainer.py:_step"], "rest"),
        (["/p/src/training/trainer.py:_loss", "/p/src/data/a.py:f"], "forward"),
        (["/p/src/training/trainer.py:evaluate", "/p/a.py:forward"], "evaluation"),
        (["/p/src/data/a.py:f"], "data"),
        (["/v/site-packages/torch/utils/data/dataloader.py:__next__"], "data"),
        (["/v/site-packages/torch/utils/data/x.py:f", "/p/a.py:forward"], "data"),
        (["/v/site-packages/torch/_tensor.py:backward", "/p/a.py:forward"], "backward"),
        (["/v/site-packages/torch/optim/optimizer.py:wrapper"], "optimiser"),
        (["/v/site-packages/torch/nn/utils/clip_grad.py:f"], "optimiser"),
        (["/p/src/training/optim.py:step"], "optimiser"),
        (["/v/site-packages/torch/nn/modules/module.py:_call_impl"], "forward"),
        (["/p/src/nn/module.py:__call__"], "forward"),
        (["/p/src/training/state.py:save_best"], "writing"),
        (["/v/site-packages/matplotlib/figure.py:f"], "writing"),
        (["/p/a.py:forward", "<frozen importlib._b>:f", "/p/src/data/a:f"], "import"),
        (["/home/src/data/p/train.py:main"], "rest"),
        (["/home/optim/train.py:step"], "rest"),
        (["/home/torch/optim/p/train.py:step"], "rest"),
    ],
)  # fmt: skip
def test_phases(monkeypatch, stack, phase):
    monkeypatch.setattr(profile_child, "HERE", "/p/")

    def innermost():
        return profile_child.phase_of(Part(sys._getframe(), len(stack)), {})

    call = innermost
    for one in reversed(stack):
        file, _, name = one.rpartition(":")
        call = _bind(code_of(file, name), call)
    assert call() == phase


class Part:
    """A frame and some of those that called it."""

    def __init__(self, frame, more: int):
        self.f_code = frame.f_code
        self.f_back = Part(frame.f_back, more - 1) if more else None


def _bind(function, then):
    # A lambda would be a frame of its own.
    return types.FunctionType(
        function.__code__, function.__globals__, function.__name__, (then,)
    )


@pytest.mark.spec("WSP-131", "The time since the last look")
def test_samples_add_up(tmp_path):
    lines = [
        "1.0 0.5 1000 0.01 import",
        "1.5 0.9 3000 0.02 forward",
        "peak 5000",
        "2.5 1.0 2000 0.03 data",
        "3.0 1.5 4000 0.04 forward",
        "peak 6000",
        "gpu 7000",
    ]
    file = fake.write(tmp_path / "samples", "\n".join(lines) + "\n")
    profile = read_samples(file, 3.25)
    took = {n: (p.seconds, p.cpu, p.peak) for n, p in profile.phases.items()}
    assert took["import"] == (1.0, 0.5, 1000)
    assert took["forward"] == pytest.approx((1.0, 0.9, 4000))
    assert took["data"] == pytest.approx((1.0, 0.1, 2000))
    assert took["rest"] == (0.25, 0, 0)
    assert (profile.peak, profile.gpu, profile.cpu, profile.own) == (
        6000,
        7000,
        1.5,
        0.04,
    )
    parts = profile.slices()
    assert [part.memory for part in parts] == [1000, 3000, 2000, 4000]
    assert parts[2].phases == {"data": 1.0}


def test_no_samples_no_profile(tmp_path):
    assert read_samples(tmp_path / "nothing", 1.0) is None


def test_long_programs_have_few_slices(tmp_path):
    lines = [f"{i / 100} {i / 100} {i} 0 rest" for i in range(1, 5001)]
    profile = read_samples(fake.write(tmp_path / "samples", "\n".join(lines)), 50.0)
    parts = profile.slices()
    assert 150 <= len(parts) <= 200
    assert all(a.end == b.start for a, b in zip(parts, parts[1:], strict=False))
    assert (parts[0].start, parts[-1].end, parts[-1].memory) == (0, 50, 5000)


@pytest.mark.spec("WSP-134", "in no phase")
def test_what_the_sampler_takes_is_taken_off(tmp_path, monkeypatch):
    sampler = profile_child.Sampler(str(tmp_path / "samples"), 100.0)
    sampler.own, sampler.memory = 0.25, None
    clock = types.SimpleNamespace(monotonic=lambda: 103.5, process_time=lambda: 5.0)
    monkeypatch.setattr(profile_child, "time", clock)
    monkeypatch.setattr(profile_child, "_peak", lambda: 77)
    sampler.note("data")
    sampler.write()
    os.close(sampler.file)
    said = (tmp_path / "samples").read_text().splitlines()
    assert said == ["3.500000 4.750000 77 0.250000 data", "peak 77"]


def test_gpu_memory_is_asked_of_torch_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert profile_child._gpu_memory() == 0
    cuda = types.SimpleNamespace(
        is_initialized=lambda: True, max_memory_allocated=lambda: 4096
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    assert profile_child._gpu_memory() == 4
    cuda.is_initialized = lambda: False
    assert profile_child._gpu_memory() == 0


@pytest.mark.spec("WSP-133", "also where Linux does not say")
def test_the_peak_without_linux(monkeypatch):
    monkeypatch.setattr(
        profile_child, "open", lambda *_, **__: io.StringIO("Name: x\n"), raising=False
    )
    assert profile_child._peak() > 1024
