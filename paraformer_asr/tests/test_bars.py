# pattern: tests/test_bars.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_bars.py --from <sub-project>
"""Progress bars and the processes that tests fork and kill."""

import io
import os
import signal
import threading

from src.utils.logging import tqdm
from tests.forked import in_fork, wait


def test_a_process_killed_while_it_draws_blocks_no_other():
    def die():
        tqdm.get_lock().acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    assert wait(in_fork(die)) == -signal.SIGKILL
    assert tqdm.get_lock().acquire(timeout=5)
    tqdm.get_lock().release()


def test_a_bar_starts_no_thread_that_a_fork_could_catch():
    before = threading.active_count()
    with tqdm(range(3), file=io.StringIO()):
        assert threading.active_count() == before
