"""Whether operations are recorded, and whether the recording watches for NaN.

A `ContextVar` instead of a global: another thread or asyncio task is not affected.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any


_recording: ContextVar[bool] = ContextVar("recording", default=True)
_anomaly: ContextVar[bool] = ContextVar("anomaly", default=False)

is_grad_enabled = _recording.get
is_anomaly_enabled = _anomaly.get

PACKAGE = str(Path(__file__).resolve().parents[1])


class _Switch:
    """`with switch:` or `@switch`: one variable holds one value inside."""

    def __init__(self, variable: ContextVar, value: bool) -> None:
        self.variable, self.value, self.tokens = variable, value, []

    def __enter__(self) -> None:
        self.tokens.append(self.variable.set(self.value))

    def __exit__(self, *exception) -> None:
        self.variable.reset(self.tokens.pop())

    def __call__(self, function: Callable) -> Callable:
        """`function` with the value inside: a switch of its own for each call."""
        if inspect.isclass(function) or inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{function!r:.80} cannot be decorated: decorate functions, or write "
                "`with ag.no_grad():` in the body"
            )
        variable, value = self.variable, self.value

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with _Switch(variable, value):
                return function(*args, **kwargs)

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            generator = function(*args, **kwargs)
            step = functools.partial(generator.send, None)
            while True:
                with _Switch(variable, value):
                    try:
                        item = step()
                    except StopIteration as end:
                        return end.value
                try:  # the caller's code between two values is not inside
                    step = functools.partial(generator.send, (yield item))
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    step = functools.partial(generator.throw, error)

        return generate if inspect.isgeneratorfunction(function) else call


class _SwitchedNow(_Switch):
    """A switch that is thrown when it is made; leaving `with` throws it back."""

    def __init__(self, variable: ContextVar, value: bool) -> None:
        super().__init__(variable, value)
        self.before = variable.get()
        variable.set(value)

    def __enter__(self) -> None:
        self.variable.set(self.value)

    def __exit__(self, *exception) -> None:
        self.variable.set(self.before)

    def __call__(self, function: Callable) -> Callable:
        self.variable.set(self.before)
        return super().__call__(function)


def no_grad() -> _Switch:
    """Inside, nothing is recorded: results do not require gradients."""
    return _Switch(_recording, False)


def enable_grad() -> _Switch:
    """Inside, operations are recorded, also within `no_grad`."""
    return _Switch(_recording, True)


def set_grad_enabled(mode: bool) -> _Switch:
    """`enable_grad` or `no_grad` by a flag: at once, for a `with` or a function."""
    return _SwitchedNow(_recording, bool(mode))


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
