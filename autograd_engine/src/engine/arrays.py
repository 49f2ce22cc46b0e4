"""Python numbers, nested lists and arrays as the array of a tensor."""

from typing import Any

import numpy as np

from .dtypes import check_dtype, get_default_dtype, scalar_dtype


def as_array(data: Any, dtype: np.dtype | None = None) -> Any:
    """`data` as an array of a dtype that tensors have, without a copy where it can."""
    if hasattr(data, "grad_fn"):
        data = data.data
    if not hasattr(data, "dtype"):
        data = _from_python(data, dtype)
    wanted = check_dtype(data.dtype if dtype is None else dtype)
    data = np.asarray(data) if isinstance(data, np.generic) else data
    return data if data.dtype == wanted else data.astype(wanted)


def _from_python(data: Any, dtype: np.dtype | None) -> np.ndarray:
    if isinstance(data, (bool, int, float)):
        return np.asarray(data, scalar_dtype(data) if dtype is None else dtype)
    try:
        array = np.asarray(_plain(data))
    except ValueError:
        raise ValueError(
            "a tensor is rectangular: these lists differ in length"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"a tensor holds numbers, not {type(data).__name__} {data!r:.60}"
        )
    if dtype is not None and array.size and array.dtype.kind in "iu":
        _refuse_overflow(array, check_dtype(dtype))
    if dtype is None and array.dtype.kind == "f" and not _holds_arrays(data):
        return array.astype(get_default_dtype())
    return array


def _refuse_overflow(array: np.ndarray, dtype: np.dtype) -> None:
    if dtype.kind in "iu":
        for value in (array.min(), array.max()):
            if not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
                raise RuntimeError(f"{value} does not fit into {dtype}")


def _plain(data: Any) -> Any:
    """Nested lists with the tensors in them turned into arrays."""
    if hasattr(data, "grad_fn"):
        return data.data
    return [_plain(d) for d in data] if isinstance(data, (list, tuple)) else data


def _holds_arrays(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(_holds_arrays(d) for d in data)
    return hasattr(data, "dtype")
