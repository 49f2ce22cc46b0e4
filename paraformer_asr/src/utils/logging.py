# pattern: utils/logging.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/logging.py --from <sub-project>
"""What a person reads while a command runs: stderr and train.log."""

import logging
import sys
import threading
from pathlib import Path

from tqdm import tqdm


log = logging.getLogger("run")

# tqdm's own lock is shared with forked processes: one that is killed while it holds it
# would block all others for ever, and so would a fork while tqdm's monitor holds it.
tqdm.set_lock(threading.RLock())
tqdm.monitor_interval = 0


class _AboveTheBar(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def start_logging(quiet: bool = False, main_process: bool = True) -> None:
    """Send `log` to stderr; `quiet` and other ranks keep warnings and errors only."""
    for old in list(log.handlers):
        log.removeHandler(old)
        old.close()
    log.propagate = False
    logging.raiseExceptions = False  # a full disk stops train.log, not the run
    log.setLevel(logging.INFO if main_process else logging.ERROR)
    handler = _AboveTheBar()
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    log.addHandler(handler)


def log_to_file(path: Path) -> None:
    """Keep what is said in `path` too, with the time in front."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)


def table(rows: list[tuple], header: tuple[str, ...]) -> str:
    """Plain aligned columns; numbers to the right."""
    shown = [header, *[tuple(_cell(v) for v in row) for row in rows]]
    widths = [max(len(row[i]) for row in shown) for i in range(len(header))]
    numeric = [
        all(isinstance(row[i], (int, float)) for row in rows)
        for i in range(len(header))
    ]
    align = [str.rjust if n else str.ljust for n in numeric]
    lines = [
        "  ".join(a(cell, w) for a, cell, w in zip(align, row, widths, strict=True))
        for row in shown
    ]
    return "\n".join(line.rstrip() for line in lines)


def _cell(value) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
