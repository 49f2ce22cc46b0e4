"""Automatic differentiation from scratch on numpy, under PyTorch's names.

    import autograd_engine as ag

`scalar` and `strided` are the first two engines, to read; the names below are those of
the third, to use.
"""

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
from .engine.random import get_rng_state, manual_seed, set_rng_state
from .engine.tensor import Tensor, from_numpy, tensor
from .ops import methods as _methods
# isort: off
# fmt: off
# Many short names: several a line.
from .ops.choosing import (
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
from .ops.scatter import gather, scatter, scatter_add, scatter_reduce, take_along_dim
from .ops.shape import (
    broadcast_to, flatten, moveaxis, movedim, permute, ravel, reshape, squeeze,
    swapaxes, swapdims, t, transpose, unflatten, unsqueeze,
)
from .ops.slicing import diag, diag_embed, diagflat, diagonal, narrow, select
from .ops.sorting import (
    argsort, kthvalue, median, mode, msort, nanmedian, nanquantile, quantile, sort,
    topk,
)
from .ops.splitting import (
    chunk, dsplit, hsplit, split, split_with_sizes, tensor_split, unbind, vsplit,
)
from .ops.triangles import tril, tril_indices, triu, triu_indices
# fmt: on
# isort: on
