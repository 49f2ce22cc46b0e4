"""The dtypes of tensors and what an operation on two of them gives (torch.result_type).

They are numpy's dtypes under PyTorch's names. numpy alone would answer differently:
int64 + float32 is float64 there and float32 here; a 0-d float64 array widens a
float32 matrix there and does not here.
"""

import numpy as np


float16 = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool_ = np.dtype(np.bool_)

FLOATS = frozenset({float16, float32, float64})
INTEGERS = frozenset({int8, int16, int32, int64, uint8})
DTYPES = FLOATS | INTEGERS | {bool_}

_default = [float32]


def get_default_dtype() -> np.dtype:
    """The dtype of tensors made from Python floats, and of integers divided."""
    return _default[0]


def set_default_dtype(dtype: np.dtype) -> None:
    """Make `dtype` the one of tensors made from Python floats from here on."""
    dtype = np.dtype(dtype)
    if dtype not in FLOATS:
        raise TypeError(f"the default dtype is a floating one, not {dtype}")
    _default[0] = dtype


def check_dtype(dtype: np.dtype) -> np.dtype:
    """`dtype` as a numpy dtype; TypeError for one that no tensor can have."""
    dtype = np.dtype(dtype)
    if dtype not in DTYPES:
        known = ", ".join(sorted(str(d) for d in DTYPES))
        raise TypeError(f"no tensor of dtype {dtype}: the dtypes are {known}")
    return dtype


def is_floating(dtype: np.dtype) -> bool:
    """float16, float32 or float64."""
    return dtype.kind == "f"


def scalar_dtype(value: bool | int | float) -> np.dtype:
    """The dtype that a Python number has when nothing else decides."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _default[0]
    raise TypeError(f"a number or a tensor is wanted here, not {type(value).__name__}")


def promote_types(a: np.dtype, b: np.dtype) -> np.dtype:
    """The smallest dtype for both; a float beside an integer stays as it is."""
    if category(a) != category(b):
        return max(a, b, key=category)
    return np.promote_types(a, b)


def weak_promote(strong: np.dtype, weak: np.dtype) -> np.dtype:
    """`strong`, unless `weak` is of a higher category (bool < integer < float)."""
    return weak if category(weak) > category(strong) else strong


def category(dtype: np.dtype) -> int:
    """bool < integer < float."""
    return {"b": 0, "i": 1, "u": 1, "f": 2}[dtype.kind]
