"""What is said where a backward pass would be wrong."""

from typing import Any


def where_made(node: Any) -> str:
    """The line that recorded `node`, or how to learn it."""
    if node.line is not None:
        return f"recorded at {node.line}"
    return "run it inside ag.detect_anomaly() to see the line that recorded it"


def overwritten(node: Any, index: int, saved: Any) -> str:
    """The message for a kept value that was written in place."""
    name = type(node).__name__
    what = "its own result" if saved.tensor is None else f"kept value {index}"
    shape = saved.array.shape if saved.tensor is None else saved.tensor.shape
    writer = saved.counter[1] if len(saved.counter) > 1 else "an in-place operation"
    return (
        f"the backward of {name} needs {what}, of shape {shape}, but {writer} wrote to "
        f"it since (version {saved.counter[0]}, kept at {saved.version}); write to a "
        f"clone() instead; {where_made(node)}"
    )


def freed(node: Any) -> str:
    """The message for a second backward pass."""
    return (
        f"a second backward through {type(node).__name__}: what it kept was freed by "
        "the first; pass retain_graph=True to the first if a second is to follow"
    )


def stale(cls: type) -> str:
    """The message for a view of what was written since."""
    return (
        f"{cls.__name__} was given a view whose base was written in place after the "
        "view was taken, so that its gradient would be wrong; take the view again"
    )


def refuse_two_devices(cls: type, args: tuple) -> None:
    """RuntimeError where tensors of several devices are the cause of an exception."""
    devices = sorted({arg.device for arg in args if hasattr(arg, "grad_fn")})
    if len(devices) > 1:
        raise RuntimeError(
            f"{cls.__name__}: tensors on {' and '.join(devices)}; bring them to one "
            "device with .to(device)"
        ) from None
