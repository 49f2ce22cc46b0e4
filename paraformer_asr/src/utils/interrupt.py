# pattern: utils/interrupt.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/interrupt.py --from <sub-project>
"""Ctrl-C and SIGTERM as a flag, so that a run ends between steps and is saved."""

import signal
import threading
from contextlib import suppress

from .logging import log


class Interrupt:
    """The first signal sets `number`; a second one ends the process at once."""

    def __init__(self):
        self.number = 0
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame) -> None:
        if self.number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.number = number
        with suppress(RuntimeError):  # it came while another line was written
            log.info("stopping after this step (again: stop at once, without saving)")


def exit_code(number: int) -> int:
    """130 after Ctrl-C, 143 after SIGTERM, 0 after no signal."""
    return 128 + number if number else 0
