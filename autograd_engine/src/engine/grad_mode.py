"""Whether operations are recorded, and whether the recording watches for NaN.

A `ContextVar` instead of a global: another thread or asyncio task is not affected.
"""

import contextlib
import sys
from contextvars import ContextVar
from pathlib import Path


_recording: ContextVar[bool] = ContextVar("recording", default=True)
_anomaly: ContextVar[bool] = ContextVar("anomaly", default=False)

is_grad_enabled = _recording.get
is_anomaly_enabled = _anomaly.get

PACKAGE = str(Path(__file__).resolve().parents[1])


class _Switch(contextlib.ContextDecorator):
    """`with switch:` or `@switch`: one variable holds one value inside."""

    def __init__(self, variable: ContextVar, value: bool) -> None:
        self.variable, self.value, self.tokens = variable, value, []

    def __enter__(self) -> None:
        self.tokens.append(self.variable.set(self.value))

    def __exit__(self, *exception) -> None:
        self.variable.reset(self.tokens.pop())


def no_grad() -> _Switch:
    """Inside, nothing is recorded: results do not require gradients."""
    return _Switch(_recording, False)


def enable_grad() -> _Switch:
    """Inside, operations are recorded, also within `no_grad`."""
    return _Switch(_recording, True)


def set_grad_enabled(mode: bool) -> _Switch:
    """`enable_grad` or `no_grad`, by a flag. Use it with `with` or as a decorator."""
    return _Switch(_recording, bool(mode))


def detect_anomaly(mode: bool = True) -> _Switch:
    """Inside, each tensor remembers the line that made it, and errors name it.

    A backward pass whose gradients turn NaN stops there. Costs a walk up the stack for
    each operation; the forward and the backward belong inside.
    """
    return _Switch(_anomaly, bool(mode))


def user_line() -> str:
    """`file:line` of the nearest caller outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
