"""The words of numpy that PyTorch takes as well."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def numpy_names(operation: Callable) -> Callable:
    """`operation` with `axis` for `dim` and `keepdims` for `keepdim`, as in PyTorch."""

    @wraps(operation)
    def call(*args: Any, **options: Any) -> Any:
        if "axis" in options and "dim" not in options:
            options["dim"] = options.pop("axis")
        if "keepdims" in options and "keepdim" not in options:
            options["keepdim"] = options.pop("keepdims")
        if options.get("out", ...) is None:  # `np.sum(x)` is x.sum(..., out=None)
            del options["out"]
        return operation(*args, **options)

    return call
