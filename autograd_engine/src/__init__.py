"""Automatic differentiation from scratch on numpy, under PyTorch's names.

    import autograd_engine as ag

`scalar` and `strided` are the first two engines, to read; the names below are those of
the third, to use. Importing them makes one setting for speed: `utils/allocator.py`.
"""

from . import functional, nn, optim
from .engine.backward import grad
from .engine.dtypes import (
    bool_ as bool,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from .engine.function import Function
from .engine.grad_mode import (
    detect_anomaly,
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .engine.gradcheck import gradcheck, gradgradcheck
from .engine.random import get_rng_state, manual_seed, set_rng_state
from .engine.recompute import checkpoint
from .engine.tensor import Tensor, from_numpy, tensor
from .ops import methods as _methods

# isort: off
# fmt: off
# ruff: noqa: F401, I001
# Many short names: several a line.
from .ops import linalg as linalg
from .ops.calculus import (
    acos, acosh, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, asin,
    asinh, atan, atan2, atanh, cos, cosh, exp, exp2, expm1, log, log1p, log2, log10,
    logaddexp, logaddexp2, logit, sigmoid, sin, sinh, tan, tanh, xlogy,
)
from .ops.casts import clone
from .ops.choices import (
    clamp, clamp_max, clamp_min, clip, copysign, fmax, fmin, heaviside, lerp, maximum,
    minimum, nan_to_num, where,
)
from .ops.comparison import (
    all, allclose, any, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or,
    bitwise_right_shift, bitwise_xor, eq, equal, ge, greater, greater_equal, gt,
    isclose, isfinite, isin, isinf, isnan, isneginf, isposinf, le, less, less_equal,
    logical_and, logical_not, logical_or, logical_xor, lt, ne, not_equal, signbit,
)
from .ops.creation import (
    arange, as_tensor, empty, empty_like, eye, full, full_like, linspace, logspace,
    ones, ones_like, scalar_tensor, zeros, zeros_like,
)
from .ops.cumulative import (
    cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, logcumsumexp, trace,
    trapezoid, trapz,
)
from .ops.einsum import einsum, kron, tensordot
from .ops.elementwise import (
    abs, absolute, add, addcdiv, addcmul, div, divide, floor_divide, fmod, mul,
    multiply, neg, negative, positive, remainder, rsub, sub, subtract, true_divide,
)
from .ops.extrema import (
    amax, amin, aminmax, argmax, argmin, logsumexp, max, min,
)
from .ops.gamma import digamma, lgamma, polygamma
from .ops.gelu import relu
from .ops.matmul import (
    addbmm, addmm, addmv, addr, baddbmm, bmm, dot, ger, inner, matmul, mm, mv, outer,
    vdot,
)
from .ops.power import (
    float_power, hypot, pow, reciprocal, rsqrt, sqrt, square,
)
from .ops.randomness import (
    bernoulli, multinomial, normal, rand, rand_like, randint, randint_like, randn,
    randn_like, randperm,
)
from .ops.reductions import (
    count_nonzero, mean, nanmean, nansum, prod, sum,
)
from .ops.rounding import (
    ceil, deg2rad, fix, floor, frac, rad2deg, round, sgn, sign, trunc,
)
from .ops.softmax import log_softmax, softmax
from .ops.special import erf, erfc, erfinv, sinc
from .ops.statistics import (
    corrcoef, cov, dist, norm, std, std_mean, var, var_mean,
)
from .ops.selection import (
    argwhere, index_add, index_copy, index_fill, index_select, masked_fill,
    masked_scatter, masked_select, nonzero, put, take,
)
from .ops.counting import (
    bincount, bucketize, histc, one_hot, searchsorted, unique, unique_consecutive,
)
from .ops.indexing import index_put
from .ops.joining import (
    atleast_1d, atleast_2d, atleast_3d, block_diag, broadcast_tensors,
    cartesian_prod, cat, column_stack, concat, concatenate, dstack, hstack,
    meshgrid, row_stack, stack, vstack,
)
from .ops.padding import pad
from .ops.repeating import flip, fliplr, flipud, repeat_interleave, roll, rot90, tile
from .ops.products import cross
from .ops.quantile import nanquantile, quantile
from .ops.scatter import gather, scatter_add, take_along_dim
from .ops.scatter_reduce import scatter, scatter_reduce
from .ops.shape import (
    broadcast_to, flatten, moveaxis, movedim, permute, ravel, reshape, squeeze,
    swapaxes, swapdims, t, transpose, unflatten, unsqueeze,
)
from .ops.slicing import (
    diag, diag_embed, diagflat, diagonal, diagonal_scatter, narrow, select,
    select_scatter, slice_scatter,
)
from .ops.sorting import (
    argsort, kthvalue, median, mode, msort, nanmedian, sort, topk,
)
from .ops.splitting import (
    chunk, dsplit, hsplit, split, split_with_sizes, tensor_split, unbind, vsplit,
)
from .ops.triangles import tril, tril_indices, triu, triu_indices
from .ops.distances import cdist
from .ops.queries import (
    broadcast_shapes, is_complex, is_floating_point, is_nonzero, is_tensor, numel,
)
from .ops.rules import result_type
# What torch has at the top as well as in torch.nn.functional.
from .functional import (
    adaptive_avg_pool1d, alpha_dropout, avg_pool1d, bilinear, celu, conv1d, conv2d,
    conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, cosine_similarity,
    dropout, group_norm, hardshrink, layer_norm, max_pool1d, max_pool2d,
    pairwise_distance, pixel_shuffle, pixel_unshuffle, prelu, rms_norm, rrelu, selu,
    threshold,
)
# Other names of dtypes, last: from here on `float` and `int` are dtypes on this page.
from math import e, inf, nan, pi
from .engine.dtypes import (
    float16 as half, float32 as float, float64 as double, int16 as short,
    int32 as int, int64 as long, promote_types,
)
# fmt: on
# isort: on
from .utils.allocator import keep_freed_memory
from .utils.archive import load, save


newaxis = None
keep_freed_memory()
