# pattern: utils/allocator.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/allocator.py --from <sub-project>
"""A setting of the C library that saves a tenth to a half of a training step.

glibc gives large freed blocks back to the system, which clears them page by page when
they are asked for again: thousands of page faults a step. Here they are kept.
"""

import ctypes
import os
import sys


M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
KEPT = 1 << 30  # bytes; freed blocks below this size stay with the process


def keep_freed_memory() -> bool:
    """Let malloc keep large blocks for the next step; whether that was done.

    Not where this is no glibc, nor where the user has set malloc up: any MALLOC_
    variable, or GLIBC_TUNABLES.
    """
    chosen = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (M_MMAP_THRESHOLD, KEPT), (M_TRIM_THRESHOLD, KEPT), (M_TOP_PAD, 1 << 26)
    return all([mallopt(name, value) == 1 for name, value in settings])
