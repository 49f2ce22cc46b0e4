"""The operations as methods and operators of `Tensor`."""

import numpy as np

from ..engine import backward, copying
from ..engine.tensor import Tensor
from . import (
    activations,
    beside_arrays,
    calculus,
    casts,
    choices,
    comparison,
    counting,
    creation,
    cumulative,
    einsum,
    elementwise,
    extrema,
    gamma,
    gelu,
    indexing,
    inplace,
    matmul,
    power,
    products,
    quantile,
    queries,
    randomness,
    reductions,
    repeating,
    rounding,
    scatter,
    scatter_reduce,
    selection,
    shape,
    slicing,
    softmax,
    sorting,
    special,
    splitting,
    statistics,
    triangles,
)


METHODS = {
    backward: "backward",
    casts: "to clone alias cpu cuda type_as double float half long int short char byte"
    " bool",
    elementwise: "add sub rsub mul multiply subtract div divide true_divide"
    " floor_divide remainder fmod neg negative positive abs absolute addcmul addcdiv",
    power: "pow float_power square sqrt rsqrt reciprocal hypot",
    rounding: "sign sgn floor ceil round trunc fix frac deg2rad rad2deg",
    calculus: "exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2"
    " arcsin arccos arctan arctan2 sinh cosh tanh asinh acosh atanh arcsinh arccosh"
    " arctanh sigmoid logit logaddexp logaddexp2 xlogy",
    gamma: "lgamma digamma",
    special: "erf erfc erfinv sinc",
    choices: "maximum minimum fmax fmin clamp clip clamp_min clamp_max copysign"
    " heaviside lerp nan_to_num",
    comparison: "eq ne lt le gt ge less less_equal greater greater_equal not_equal"
    " isnan isinf isfinite isposinf isneginf signbit logical_not logical_and logical_or"
    " logical_xor bitwise_not bitwise_and bitwise_or bitwise_xor bitwise_left_shift"
    " bitwise_right_shift isclose allclose equal any all",
    inplace: "fill_ zero_ copy_ normal_ uniform_ bernoulli_",
    reductions: "sum mean prod nansum nanmean count_nonzero sum_to_size",
    extrema: "max min amax amin aminmax argmax argmin logsumexp",
    statistics: "var std norm dist cov corrcoef",
    cumulative: "cumsum cumprod cummax cummin logcumsumexp diff trace",
    matmul: "matmul mm bmm mv dot vdot inner outer ger addmm addmv addr baddbmm addbmm",
    einsum: "kron",
    products: "cross",
    queries: "stride is_complex is_nonzero",
    activations: "hardshrink prelu",
    creation: "new_zeros new_ones new_empty new_full new_tensor",
    randomness: "bernoulli multinomial",
    gelu: "relu",
    softmax: "softmax log_softmax",
    selection: "argwhere index_add index_copy index_fill index_select masked_fill"
    " masked_scatter masked_select nonzero put take masked_fill_ masked_scatter_"
    " index_add_ index_copy_ index_fill_ put_",
    counting: "bincount histc unique unique_consecutive",
    indexing: "index_put index_put_",
    repeating: "flip fliplr flipud repeat_interleave roll rot90 tile repeat",
    quantile: "quantile nanquantile",
    scatter: "gather scatter_add take_along_dim scatter_add_",
    scatter_reduce: "scatter scatter_reduce scatter_ scatter_reduce_",
    shape: "broadcast_to flatten moveaxis movedim permute ravel reshape squeeze"
    " swapaxes swapdims t transpose unflatten unsqueeze view view_as reshape_as expand"
    " expand_as contiguous is_contiguous",
    slicing: "diag diag_embed diagflat diagonal narrow select unfold select_scatter"
    " slice_scatter diagonal_scatter",
    sorting: "argsort kthvalue median mode msort nanmedian sort topk",
    splitting: "chunk dsplit hsplit split split_with_sizes tensor_split unbind vsplit",
    triangles: "tril triu tril_ triu_",
}

for _module, _names in METHODS.items():
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_module, _name))

for _name, _operation in inplace.VARIANTS.items():
    setattr(Tensor, _name, _operation)


def _tensor(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def _or_not_implemented(operation):
    """`operation` as an operator: of what is no number Python asks the other side."""

    def call(x, y):
        if isinstance(y, (Tensor, bool, int, float, np.ndarray, np.generic)):
            return operation(x, y)
        return NotImplemented

    return call


Tensor.__copy__ = copying.shallow
Tensor.__deepcopy__ = copying.deep
Tensor.__reduce_ex__ = copying.reduced
Tensor.where = lambda x, condition, y: choices.where(condition, x, y)
Tensor.__add__ = elementwise.add
Tensor.__radd__ = lambda x, y: elementwise.add(y, x)
Tensor.__sub__ = elementwise.sub
Tensor.__rsub__ = lambda x, y: elementwise.sub(y, x)
Tensor.__mul__ = elementwise.mul
Tensor.__rmul__ = lambda x, y: elementwise.mul(y, x)
Tensor.__truediv__ = elementwise.div
Tensor.__rtruediv__ = lambda x, y: elementwise.div(y, x)
Tensor.__floordiv__ = elementwise.floor_divide
Tensor.__rfloordiv__ = lambda x, y: elementwise.floor_divide(y, x)
Tensor.__mod__ = elementwise.remainder
Tensor.__rmod__ = lambda x, y: elementwise.remainder(y, x)
Tensor.__pow__ = power.pow
Tensor.__rpow__ = lambda x, y: power.pow(y, x)
Tensor.__neg__ = elementwise.neg
Tensor.__pos__ = elementwise.positive
Tensor.__abs__ = elementwise.abs
Tensor.__invert__ = comparison.bitwise_not
for _name in "eq ne lt le gt ge and or xor lshift rshift".split():
    _long = {"lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift"}
    _long |= {name: f"bitwise_{name}" for name in ("and", "or", "xor")}
    _operation = getattr(comparison, _long.get(_name, _name))
    setattr(Tensor, f"__{_name}__", _or_not_implemented(_operation))
Tensor.__rand__, Tensor.__ror__ = Tensor.__and__, Tensor.__or__
Tensor.__rxor__ = Tensor.__xor__
Tensor.__matmul__ = matmul.matmul
Tensor.__rmatmul__ = lambda x, y: matmul.matmul(_tensor(y), x)
Tensor.__iadd__ = inplace.add_
Tensor.__isub__ = inplace.sub_
Tensor.__imul__ = inplace.mul_
Tensor.__itruediv__ = inplace.div_
Tensor.__ifloordiv__ = inplace.floor_divide_
Tensor.__imod__ = inplace.remainder_
Tensor.__ipow__ = inplace.pow_
Tensor.__array_ufunc__ = beside_arrays.array_ufunc
Tensor.__format__ = beside_arrays.formatted
Tensor.__getitem__ = indexing.getitem
Tensor.__setitem__ = indexing.setitem
Tensor.T = property(shape.reversed_axes)
Tensor.mT = property(shape.matrix_transpose)
Tensor.H = property(shape.t)
Tensor.mH = property(shape.matrix_transpose)
Tensor.adjoint = shape.matrix_transpose
Tensor.nelement, Tensor.ndimension = Tensor.numel, Tensor.dim
Tensor.itemsize = property(Tensor.element_size)
Tensor.nbytes = property(lambda x: x.data.nbytes)
Tensor.is_cuda = property(lambda x: x.device != "cpu")
Tensor.is_cpu = property(lambda x: x.device == "cpu")
