"""The engine on a GPU, as far as it shows without one: beside a stand-in for CuPy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import src as ag


ROOT = Path(__file__).resolve().parents[1]
STRICT = {
    "implicit": "TypeError: Implicit conversion to a NumPy array",
    "mixed": "TypeError: Unsupported type",
    "mixed stack": "TypeError: Unsupported type",
    "assignment": "TypeError: Unsupported type",
    "reduce": "NotImplementedError: `cupy_maximum.reduce`",
    "initial": "TypeError",
    "errstate": "AttributeError",
    "insert": "TypeError: no implementation found",
    "index": "TypeError: list indices must be integers",
    "scalar": "ndarray",
    "out of bounds": "1.0",
}
REFUSED = {
    "embedding": "IndexError: embedding: row 5 of a table of 3 rows",
    "index": "IndexError: index: index 5 is out of bounds",
    "index_select": "IndexError: index_select: index 5",
    "gather": "RuntimeError: gather: index 5",
    "scatter_add": "RuntimeError: scatter_add: index 5",
    "take": "IndexError: take: index 45",
    "cross_entropy": "IndexError: cross_entropy: target class 4",
    "one_hot": "RuntimeError: one_hot: class 5",
    "expanded": "RuntimeError: add_: the memory of this tensor is shared",
    "two devices": "RuntimeError: add: tensors on cpu and cuda:0; bring them to one",
    "two devices in matmul": "RuntimeError: MatMul: tensors on cpu and cuda:0",
    "tpu": "TypeError",
    "numpy": "no exception: 12.0",
}


@pytest.fixture(scope="module")
def report() -> dict:
    """What tests/device_report.py says, in a process where `cupy` is the stand-in."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.device_report"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.spec("AGE-110", "give the values and gradients that they give on numpy")
def test_each_program_gives_on_the_stand_in_what_it_gives_on_numpy(report) -> None:
    assert report["differences"] == {}


def test_the_stand_in_refuses_what_cupy_refuses(report) -> None:
    for name, start in STRICT.items():
        assert report["strictness"][name].startswith(start), name


@pytest.mark.spec("AGE-110", "indices out of bounds and tensors of two devices")
def test_what_cupy_would_do_in_silence_is_refused(report) -> None:
    for name, start in REFUSED.items():
        assert report["refusals"][name].startswith(start), name


@pytest.mark.spec("AGE-110", "`device=`")
def test_new_tensors_are_where_they_were_asked_for(report) -> None:
    assert set(report["made"].values()) == {"cuda:0"}


@pytest.mark.spec("AGE-110", "Without CuPy a sentence says what to install")
def test_a_gpu_without_cupy_is_a_sentence(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match="pip install cupy-cuda12x"):
        ag.ones(2).to("cuda")
    with pytest.raises(ValueError, match="cpu, cuda and cuda:N, not 'tpu'"):
        ag.ones(2, device="tpu")


def test_tensor_copies_what_it_is_given() -> None:
    array = np.ones((2, 3)).T
    made = ag.tensor(array, device="cpu")
    made.data[0, 0] = 5
    assert array[0, 0] == 1 and made.dtype == ag.float64
