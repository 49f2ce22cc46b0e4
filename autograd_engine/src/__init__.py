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
