"""`nn.functional`, where PyTorch has it: the operations of `src/functional.py`."""

from ..functional import *  # noqa: F403
