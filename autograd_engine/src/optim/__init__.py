"""Optimisers, schedules of their learning rate, and clipping of gradients."""

from . import lr_scheduler
from .adam import Adam, AdamW
from .adaptive import Adagrad, RMSprop
from .clip import clip_grad_norm_, clip_grad_value_
from .lion import Lion
from .lr_scheduler import LambdaLR, ReduceLROnPlateau
from .muon import Muon
from .optimizer import Optimizer
from .schedules import cosine, one_cycle, step_decay, warm_up
from .sgd import SGD


__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "LambdaLR",
    "Lion",
    "Muon",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "SGD",
    "clip_grad_norm_",
    "clip_grad_value_",
    "cosine",
    "lr_scheduler",
    "one_cycle",
    "step_decay",
    "warm_up",
]
