"""The arrays, ufuncs and functions of the stand-in of fake_cupy.py."""

import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np


NAMES = json.loads((Path(__file__).parent / "cupy_names.json").read_text())
UFUNCS = frozenset(NAMES["ufuncs"].split())
HOST = frozenset("result_type can_cast may_share_memory ndim shape".split())
SAME = frozenset("newaxis broadcast_shapes promote_types iterable isscalar".split())
FROM_HOST = frozenset("array asarray asanyarray".split())
METHODS = {
    "sum": "axis dtype out keepdims",
    "prod": "axis dtype out keepdims",
    "mean": "axis dtype out keepdims",
    "var": "axis dtype out ddof keepdims",
    "std": "axis dtype out ddof keepdims",
    "max": "axis out keepdims",
    "min": "axis out keepdims",
    "argmax": "axis out dtype keepdims",
    "argmin": "axis out dtype keepdims",
    "all": "axis out keepdims",
    "any": "axis out keepdims",
    "argsort": "axis kind",
    "sort": "axis kind",
    "cumsum": "axis dtype out",
    "cumprod": "axis dtype out",
    "clip": "min max out",
    "take": "indices axis out",
    "repeat": "repeats axis",
    "ravel": "order",
    "flatten": "order",
    "squeeze": "axis",
    "swapaxes": "axis1 axis2",
    "transpose": "*axes",
    "reshape": "*shape order copy",
    "diagonal": "offset axis1 axis2",
    "trace": "offset axis1 axis2 dtype out",
    "searchsorted": "v side sorter",
    "nonzero": "",
    "round": "decimals out",
    "view": "dtype type",
    "fill": "value",
    "dot": "b out",
    "partition": "kth axis",
}


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):  # noqa: N801
    """`values` on the pretended GPU."""

    __hash__ = None

    def __init__(self, values: np.ndarray) -> None:
        self._a = values

    shape = property(lambda self: self._a.shape)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    dtype = property(lambda self: self._a.dtype)
    itemsize = property(lambda self: self._a.itemsize)
    nbytes = property(lambda self: self._a.nbytes)
    strides = property(lambda self: self._a.strides)
    T = property(lambda self: ndarray(self._a.T))
    mT = property(lambda self: ndarray(self._a.mT))
    device = property(lambda self: SimpleNamespace(id=0))

    @property
    def base(self) -> "ndarray | None":
        return None if self._a.base is None else ndarray(np.asarray(self._a.base))

    @property
    def flags(self) -> SimpleNamespace:
        known = self._a.flags
        return SimpleNamespace(
            c_contiguous=known.c_contiguous,
            f_contiguous=known.f_contiguous,
            owndata=known.owndata,
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any):
        if ufunc.__name__ not in UFUNCS:
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return getattr(Ufunc(ufunc.__name__), method)(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any):
        path = [*func.__module__.split(".")[1:], func.__name__]
        name = ".".join(path)
        if name in UFUNCS:
            return Ufunc(name)(*args, **kwargs)
        if name not in NAMES["functions"]:
            return NotImplemented
        return function(name)(*args, **kwargs)

    def __getitem__(self, key: Any) -> "ndarray":
        return ndarray(np.asarray(self._a[wrapped(key, self.shape)]))

    def __setitem__(self, key: Any, value: Any) -> None:
        if not (isinstance(value, np.ndarray) and value.ndim == 0):
            value = device(value)
        if isinstance(value, list):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        key = wrapped(key, self.shape)
        parts = key if isinstance(key, tuple) else (key,)
        if not any(isinstance(p, np.ndarray) and p.dtype.kind != "b" for p in parts):
            self._a[key] = value
            return
        places = np.arange(self._a.size).reshape(self.shape)[key]
        values = np.broadcast_to(value, np.shape(places))
        self._a.flat[places.reshape(-1)[::-1]] = values.reshape(-1)[::-1]

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._a)

    def __int__(self) -> int:
        return int(self._a)

    def __float__(self) -> float:
        return float(self._a)

    def __repr__(self) -> str:
        return repr(self._a)

    def astype(self, dtype: Any, order: str = "K", *, copy: bool = True) -> "ndarray":
        out = self._a.astype(dtype, order=order, copy=copy)
        return self if out is self._a else ndarray(out)

    def copy(self, order: str = "C") -> "ndarray":
        return ndarray(self._a.copy(order=order))

    def get(self) -> np.ndarray:
        return self._a.copy(order="C")

    def item(self) -> Any:
        return self._a.item()

    def tolist(self) -> Any:
        return self._a.tolist()


class Ufunc:
    """A ufunc of CuPy with the methods it has."""

    def __init__(self, name: str) -> None:
        self.name, self.ufunc = name, getattr(np, name)

    def __call__(self, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        allowed = {"dtype", "casting"} | ({"where"} if self.name != "matmul" else set())
        if kwargs.keys() - allowed or kwargs.get("where", None) is True:
            raise TypeError(f"Wrong arguments {kwargs}")
        return self.run(self.ufunc, inputs, kwargs, out)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False) -> Any:
        self.only("reduce", "add multiply")
        options = {"axis": axis, "dtype": dtype, "keepdims": keepdims}
        return self.run(self.ufunc.reduce, (array,), options, out)

    def accumulate(self, array, axis=0, dtype=None, out=None) -> Any:
        self.only("accumulate", "add multiply")
        return self.run(
            self.ufunc.accumulate, (array,), {"axis": axis, "dtype": dtype}, out
        )

    def reduceat(self, array, indices, axis=0, dtype=None, out=None) -> Any:
        self.only("reduceat", "add")
        return self.run(
            self.ufunc.reduceat, (array, indices), {"axis": axis, "dtype": dtype}, out
        )

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        self.only("at", "add subtract maximum minimum")
        self.ufunc.at(device(a), wrapped(indices, a.shape), device(b))

    def outer(self, a: Any, b: Any, **kwargs: Any) -> Any:
        return self.run(self.ufunc.outer, (a, b), kwargs, None)

    def only(self, method: str, names: str) -> None:
        if self.name not in names.split():
            raise NotImplementedError(
                f"`cupy_{self.name}.{method}` is not supported yet"
            )

    def run(self, call: Any, inputs: tuple, kwargs: dict, out: Any) -> Any:
        kwargs = {name: device(value) for name, value in kwargs.items()}
        if out is not None:
            kwargs["out"] = device(out)
        result = call(*[device(i) for i in inputs], **kwargs)
        return out if out is not None else lifted(result)


class Writable:
    """The memory of an array, open for writing."""

    def __init__(self, array: np.ndarray) -> None:
        pointer = array.__array_interface__["data"][0]
        self.array = array
        self.__array_interface__ = {
            **array.__array_interface__,
            "strides": array.strides,
            "data": (pointer, False),
        }


def device(value: Any) -> Any:
    """The values of CuPy arrays; numpy arrays are refused."""
    if isinstance(value, ndarray):
        return value._a
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)):
        return type(value)(device(v) for v in value)
    return value


def lifted(value: Any) -> Any:
    """Arrays and scalars as CuPy arrays."""
    if isinstance(value, (tuple, list)):
        return type(value)([lifted(v) for v in value])
    if isinstance(value, (np.ndarray, np.generic, bool, int)):
        value = np.asarray(value)
        if not value.flags.writeable and value.base is not None:
            # Unlike numpy's, the views of CuPy (broadcast_to, diagonal) can be written.
            value = np.asarray(Writable(value))
        return ndarray(value)
    return value


def wrapped(key: Any, shape: tuple[int, ...]) -> Any:
    """An index with integer arrays taken modulo the size of their axis."""
    if not isinstance(key, tuple):
        return wrapped((key,), shape)[0] if isinstance(key, (ndarray, list)) else key
    out, axis = [], 0
    skipped = len(shape) - sum(k is not None and k is not Ellipsis for k in key)
    for part in key:
        if isinstance(part, (ndarray, list)):
            part = np.asarray(part._a if isinstance(part, ndarray) else part)
        if isinstance(part, np.ndarray) and part.dtype.kind == "b":
            axis += part.ndim - 1
            skipped -= part.ndim - 1
        elif isinstance(part, np.ndarray) and shape[axis]:
            part = part % shape[axis]
        out.append(part)
        axis += 0 if part is None else skipped if part is Ellipsis else 1
    return tuple(out)


def function(name: str) -> Any:
    """The function of CuPy: arguments as it has them, results as CuPy arrays."""
    call: Any = np
    for part in name.split("."):
        call = getattr(call, part)
    if name == "broadcast_arrays":
        call = broadcast_arrays
    accepts = signature(NAMES["functions"][name])

    def run(*args: Any, **kwargs: Any) -> Any:
        accepts.bind(*args, **kwargs)
        if name in FROM_HOST and not isinstance(args[0], ndarray):
            return ndarray(np.array(device_or_host(args[0]), *args[1:], **kwargs))
        if name == "copyto" and not isinstance(args[0], ndarray):
            raise TypeError("copyto writes to a CuPy array")
        if "kind" in kwargs and kwargs["kind"] not in (None, "stable"):
            raise ValueError("kind can only be None or 'stable'")
        out = kwargs.get("out")
        kwargs = {key: device(value) for key, value in kwargs.items()}
        result = call(*[device(a) for a in args], **kwargs)
        if name in HOST:
            return result
        if isinstance(args[0], ndarray) and result is args[0]._a:
            return args[0]
        return out if out is not None else lifted(result)

    return run


def broadcast_arrays(*arrays: np.ndarray) -> list[np.ndarray]:
    shape = np.broadcast_shapes(*[array.shape for array in arrays])
    return [np.broadcast_to(array, shape) for array in arrays]


def device_or_host(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [device_or_host(v) for v in value]
    return value._a if isinstance(value, ndarray) else value


def signature(names: str) -> inspect.Signature:
    """A signature with these arguments, each of them optional."""
    kinds, star = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name in names.split():
        if name.startswith("**"):
            kinds.append(inspect.Parameter(name[2:], inspect.Parameter.VAR_KEYWORD))
        elif name.startswith("*"):
            kinds.append(inspect.Parameter(name[1:], inspect.Parameter.VAR_POSITIONAL))
            star = inspect.Parameter.KEYWORD_ONLY
        else:
            kinds.append(inspect.Parameter(name, star, default=None))
    return inspect.Signature(kinds)


def _method(name: str, names: str) -> Any:
    accepts = signature(names)

    def call(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        accepts.bind(*args, **kwargs)
        if kwargs.get("kind") not in (None, "stable"):
            raise ValueError("kind can only be None or 'stable'")
        out = kwargs.get("out")
        kwargs = {key: device(value) for key, value in kwargs.items()}
        result = getattr(self._a, name)(*[device(a) for a in args], **kwargs)
        return out if out is not None else lifted(result)

    return call


for _name, _names in METHODS.items():
    setattr(ndarray, _name, _method(_name, _names))
