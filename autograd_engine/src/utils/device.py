"""Where tensors live: numpy on the CPU, or CuPy on an NVIDIA GPU."""

import platform

from .errors import InputError


DEVICES = ("auto", "cpu", "cuda")


def pick_device(name: str = "auto") -> str:
    """`cpu` or `cuda`; auto takes a GPU where CuPy finds one. Raises InputError."""
    if name not in DEVICES:
        raise InputError(f"--device {name}: one of {', '.join(DEVICES)}")
    if name == "cpu":
        return "cpu"
    missing = _missing()
    if name == "cuda" and missing:
        raise InputError(f"--device cuda: {missing}. Use --device cpu")
    return "cpu" if missing else "cuda"


def describe_device(device: str, threads: int) -> str:
    """For the first line of a run."""
    if device == "cpu":
        return f"{platform.machine()} cpu ({threads} threads)"
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return f"cuda ({properties['name'].decode()})"


def _missing() -> str:
    """What stands between this machine and a GPU, or nothing."""
    try:
        import cupy
    except ImportError:
        return "CuPy is not installed; for an NVIDIA GPU: pip install cupy-cuda12x"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CuPy finds no GPU ({error})"
    return "" if count else "CuPy finds no GPU"
