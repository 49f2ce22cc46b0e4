# pattern: tests/test_workers.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_workers.py --from <sub-project>
"""Data workers that are signalled or lost at moments that seldom come by themselves."""

import multiprocessing
import os
import signal

import pytest
from torch.utils.data._utils import signal_handling

from src.data.dataloader import STOPS, eval_loader
from src.training.trainer import Trainer
from src.utils.errors import FaultError
from tests.tiny import start


pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs fork and signals"
)


class Numbers:
    def __len__(self) -> int:
        return 4

    def __getitem__(self, key: tuple[int, int]) -> int:
        return key[1]


@pytest.mark.parametrize("number", STOPS)
def test_a_worker_hears_no_stop_before_it_is_ready(monkeypatch, number):
    plain = signal_handling._set_worker_signal_handlers

    def stopped_at_once():
        plain()
        os.kill(os.getpid(), number)

    monkeypatch.setattr(signal_handling, "_set_worker_signal_handlers", stopped_at_once)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    batches = [batch.tolist() for batch in eval_loader(Numbers(), 2, workers=1)]
    assert batches == [[0, 1], [2, 3]]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_pipe_that_ends_says_that_a_worker_was_killed(monkeypatch, tmp_path):
    def ends(*_):
        ours, theirs = multiprocessing.Pipe()
        theirs.close()
        ours.recv()

    monkeypatch.setattr(Trainer, "_step", ends)
    with pytest.raises(FaultError, match="a data worker was killed, usually for lack"):
        start(tmp_path)
