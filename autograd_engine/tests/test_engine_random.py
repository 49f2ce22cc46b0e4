"""The engine's random numbers follow from the seed, and go on where they were saved."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import src as ag
from src.engine.random import generator


@pytest.mark.spec("AGE-067", "those of the seed in any process")
def test_the_numbers_are_those_of_any_other_process():
    code = "import src as ag; ag.manual_seed(7); print(ag.randn(3).tolist())"
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    ag.manual_seed(7)
    assert done.stdout.strip() == str(ag.randn(3).tolist()), done.stderr


@pytest.mark.spec("AGE-067", "go on from a saved state where they stood")
def test_the_numbers_go_on_where_they_were_saved(tmp_path):
    ag.manual_seed(3)
    generator().standard_normal(5, np.float32)  # leaves half of a 64-bit word behind
    ag.save(ag.get_rng_state(), tmp_path / "rng.npz")
    wanted, after = ag.randn(5), pickle.dumps(ag.get_rng_state())
    ag.manual_seed(9)
    ag.set_rng_state(ag.load(tmp_path / "rng.npz"))
    assert np.array_equal(ag.randn(5).data, wanted.data)
    assert pickle.dumps(ag.get_rng_state()) == after


BAD = [
    {}, [1], None, {"bit_generator": "MT19937"}, {"bit_generator": "PCG64"},
    {"bit_generator": "PCG64", "state": {"state": -1, "inc": 3}, "has_uint32": 0,
     "uinteger": 0},
]  # fmt: skip


@pytest.mark.spec("AGE-067", "what is no state is refused")
@pytest.mark.parametrize("state", BAD, ids=repr)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(ValueError, match="this is no state of a generator"):
        ag.set_rng_state(state)
