"""How fast this machine multiplies matrices and moves memory, measured.

Each figure is the best of several times: other processes can only add to it. torch is
imported inside functions, so that all of numpy works where it is absent.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tools.machine import largest_cache


SIZES = (512, 1024, 2048, 4096)
LONGEST = 1.0
"""Seconds that one product may be expected to take; a longer one is skipped."""
ENOUGH = 0.3
"""Seconds over which a product is repeated."""
GPU_FLOATS = 1 << 27
"""Half a GiB: the launch of its copy is little beside the copy."""
SLOWING = ("OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "DNNL_", "ONEDNN_", "ATEN_", "KMP_")
"""What variables begin with that change how matrices are multiplied."""


class Row(NamedTuple):
    """One product of two square matrices; no seconds: skipped, as too slow."""

    device: str
    library: str
    dtype: str
    threads: int
    size: int
    seconds: float | None

    @property
    def gflops(self) -> float | None:
        return self.seconds and 2 * self.size**3 / self.seconds / 1e9


def numpy_rows(sizes: Sequence[int]) -> Iterator[Row]:
    """numpy on the CPU, with the threads that its environment gives it."""

    def prepare(size: int) -> Callable[[], object]:
        a, b = (_random(size) for _ in range(2))
        out = np.empty_like(a)
        return lambda: np.matmul(a, b, out=out)

    yield from _rows("cpu", "numpy", "fp32", _numpy_threads(), prepare, sizes)


def torch_rows(
    device: str, dtype: str, threads: int, sizes: Sequence[int]
) -> Iterator[Row]:
    """torch on a device ("cpu", "cuda", "mps"), in "fp32" or "bf16"."""
    import torch

    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[dtype]
    wait = _waiter(device)

    def prepare(size: int) -> Callable[[], object]:
        a, b = (torch.from_numpy(_random(size)).to(device, kind) for _ in range(2))
        out = torch.empty_like(a)

        def multiply() -> None:
            torch.mm(a, b, out=out)
            wait()

        return multiply

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        shown = threads if device == "cpu" else 0
        yield from _rows(device, "torch", dtype, shown, prepare, sizes)
    finally:
        torch.set_num_threads(before)


def thread_rates(most: int, size: int = 1024) -> dict[int, float]:
    """GFLOP/s of torch's fp32 product with 1, 2, 4 ... and `most` threads."""
    counts = sorted({2**k for k in range(most.bit_length())} | {most})
    rows = [row for n in counts for row in torch_rows("cpu", "fp32", n, [size])]
    return {row.threads: row.gflops for row in rows if row.gflops}


def bandwidth() -> dict[str, float]:
    """GB/s of one thread's copy and triad (a = b + 3 c) far outside the caches.

    Counted as in STREAM (McCalpin): what is read and what is written.
    """
    count = max(4 * largest_cache(), 64 << 20) // 8
    a, b, c = (np.full(count, float(i)) for i in range(3))
    found = {"copy": 2 * a.nbytes / best_of(lambda: np.copyto(a, b), ENOUGH) / 1e9}

    def triad() -> None:  # in pieces that stay in the cache between the two passes
        for start in range(0, count, 8192):
            piece = slice(start, start + 8192)
            np.multiply(c[piece], 3.0, out=a[piece])
            np.add(a[piece], b[piece], out=a[piece])

    found["triad"] = 3 * a.nbytes / best_of(triad, ENOUGH) / 1e9
    return found


def gpu_copy(device: str) -> float:
    """GB/s of a copy within the memory of a GPU, far outside its caches."""
    import torch

    a, wait = torch.ones(GPU_FLOATS, device=device), _waiter(device)
    b = torch.empty_like(a)
    return 8 * GPU_FLOATS / best_of(lambda: (b.copy_(a), wait()), ENOUGH) / 1e9


def without_variables(with_torch: bool) -> dict | None:
    """The same products in a process without the variables that may slow them.

    None where there is no such variable; else `variables`, and GFLOP/s a library `with`
    and `without` them.
    """
    slowing = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(SLOWING) and not name.endswith("_NUM_THREADS")
    }
    if not slowing:
        return None
    code = (
        "import json; from tools import speed; "
        f"print(json.dumps(speed.short_rates({with_torch})))"
    )
    found = {"variables": slowing, "with": short_rates(with_torch)}
    clean = {k: v for k, v in os.environ.items() if k not in slowing}
    clean["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True
    )
    return found | {"without": json.loads(done.stdout) if not done.returncode else {}}


def short_rates(with_torch: bool) -> dict[str, float]:
    """GFLOP/s of a 1024 product by library, in this process as it is."""
    rows = list(numpy_rows([1024]))
    if with_torch:
        import torch

        rows += torch_rows("cpu", "fp32", torch.get_num_threads(), [1024])
    return {row.library: row.gflops for row in rows if row.gflops}


def best_of(function: Callable[[], object], seconds: float, least: int = 2) -> float:
    """The shortest of at least `least` times and `seconds` in all, after a warm-up."""
    function()
    best, total, count = float("inf"), 0.0, 0
    while count < least or total < seconds:
        start = time.perf_counter()
        function()
        taken = time.perf_counter() - start
        best, total, count = min(best, taken), total + taken, count + 1
    return best


def _rows(
    device: str,
    library: str,
    dtype: str,
    threads: int,
    prepare: Callable[[int], Callable[[], object]],
    sizes: Sequence[int],
) -> Iterator[Row]:
    last = None
    for size in sizes:
        expected = last.seconds * (size / last.size) ** 3 if last else 0
        seconds = None
        if expected <= LONGEST:
            seconds = best_of(prepare(size), ENOUGH)
            last = Row(device, library, dtype, threads, size, seconds)
        yield Row(device, library, dtype, threads, size, seconds)


def _random(size: int) -> np.ndarray:
    return np.random.default_rng(size).standard_normal((size, size), np.float32)


def numpy_blas() -> dict[str, str]:
    """The library that multiplies for numpy, as numpy was built."""
    return np.show_config(mode="dicts")["Build Dependencies"]["blas"]


def _numpy_threads() -> int:
    """As OpenBLAS or MKL reads its environment."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    cores = cores or os.cpu_count() or 1
    own = "MKL" if "mkl" in numpy_blas().get("name", "").lower() else "OPENBLAS"
    given = (os.environ.get(f"{name}_NUM_THREADS", "") for name in (own, "OMP"))
    return next((min(int(n), cores) for n in given if n.isdecimal()), cores)


def _waiter(device: str) -> Callable[[], object]:
    """What waits for the device, which else goes on by itself."""
    import torch

    known = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}
    return known.get(device, lambda: None)
