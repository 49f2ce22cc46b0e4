"""Two settings of the C libraries below numpy that halve the time of a training step.

Memory: glibc gives large freed blocks back to the system, which clears them page by
page when they are asked for again: thousands of page faults a step.
`keep_freed_memory` lets the process keep what it freed.

OpenBLAS: kernels for AVX2 are half as fast as those for AVX-512, and an OpenBLAS that
does not recognise an AMD processor takes them. `choose_kernels` names the right ones
before numpy is imported; a choice in OPENBLAS_CORETYPE stands. Both do nothing where
they do not apply.
"""

import ctypes
import os
import sys
from pathlib import Path


AVX512 = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
KEPT = 1 << 30  # bytes; freed blocks below this size stay with the process


def keep_freed_memory() -> bool:
    """Let malloc keep large blocks for the next step; False where this is not glibc."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (M_MMAP_THRESHOLD, KEPT), (M_TRIM_THRESHOLD, KEPT), (M_TOP_PAD, 1 << 26)
    return all([mallopt(name, value) == 1 for name, value in settings])


def choose_kernels(cpuinfo: str = "/proc/cpuinfo") -> str | None:
    """Set OPENBLAS_CORETYPE for an AMD processor with AVX-512; what was chosen.

    Nothing is done if numpy is imported already, if the user has chosen, or elsewhere.
    """
    if "numpy" in sys.modules or "OPENBLAS_CORETYPE" in os.environ:
        return None
    try:
        text = Path(cpuinfo).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    first = text.partition("\n\n")[0]
    fields = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
    fields = {name.strip(): value.split() for name, value in fields.items()}
    amd = fields.get("vendor_id") == ["AuthenticAMD"]
    if not amd or not AVX512 <= set(fields.get("flags", ())):
        return None
    os.environ["OPENBLAS_CORETYPE"] = "SKYLAKEX"
    return "SKYLAKEX"
