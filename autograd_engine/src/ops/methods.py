"""The operations as methods and operators of `Tensor`."""

from ..engine import backward
from ..engine.tensor import Tensor
from . import (
    calculus,
    casts,
    choices,
    choosing,
    counting,
    elementwise,
    gelu,
    indexing,
    inplace,
    power,
    reductions,
    repeating,
    rounding,
    scatter,
    shape,
    slicing,
    softmax,
    sorting,
    special,
    splitting,
    triangles,
)


METHODS = {
    backward: "backward",
    casts: "to clone alias",
    elementwise: "add sub rsub mul multiply subtract div divide true_divide"
    " floor_divide remainder fmod neg negative positive abs absolute addcmul addcdiv",
    power: "pow float_power square sqrt rsqrt reciprocal hypot",
    rounding: "sign sgn floor ceil round trunc fix frac deg2rad rad2deg",
    calculus: "exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2"
    " arcsin arccos arctan arctan2 sinh cosh tanh asinh acosh atanh arcsinh arccosh"
    " arctanh sigmoid logit logaddexp logaddexp2 xlogy",
    special: "erf erfc erfinv sinc",
    choices: "maximum minimum fmax fmin clamp clip clamp_min clamp_max copysign"
    " heaviside lerp nan_to_num",
    inplace: "add_ sub_ mul_ div_ fill_ zero_ copy_",
    reductions: "sum",
    gelu: "relu",
    softmax: "softmax log_softmax",
    choosing: "argwhere index_add index_copy index_fill index_select masked_fill"
    " masked_scatter masked_select nonzero put take masked_fill_ masked_scatter_"
    " index_add_ index_copy_ index_fill_ put_",
    counting: "bincount histc unique unique_consecutive",
    indexing: "index_put index_put_",
    repeating: "flip fliplr flipud repeat_interleave roll rot90 tile repeat",
    scatter: "gather scatter scatter_add scatter_reduce take_along_dim scatter_"
    " scatter_add_ scatter_reduce_",
    shape: "broadcast_to flatten moveaxis movedim permute ravel reshape squeeze swapaxes"
    " swapdims t transpose unflatten unsqueeze view view_as reshape_as expand"
    " expand_as contiguous is_contiguous",
    slicing: "diag diag_embed diagflat diagonal narrow select unfold",
    sorting: "argsort kthvalue median mode msort nanmedian nanquantile quantile sort topk",
    splitting: "chunk dsplit hsplit split split_with_sizes tensor_split unbind vsplit",
    triangles: "tril triu tril_ triu_",
}

for _module, _names in METHODS.items():
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_module, _name))

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
Tensor.__iadd__ = inplace.add_
Tensor.__isub__ = inplace.sub_
Tensor.__imul__ = inplace.mul_
Tensor.__itruediv__ = inplace.div_
Tensor.__getitem__ = indexing.getitem
Tensor.__setitem__ = indexing.setitem
Tensor.T = property(shape.reversed_axes)
Tensor.mT = property(shape.matrix_transpose)
Tensor.H = property(shape.t)
