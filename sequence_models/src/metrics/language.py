"""How well a model foretells a text: nats, bits per byte, perplexity.

The loss of a token depends on how long tokens are; bits per byte does not. It puts
characters, bytes and BPE of any vocabulary into one table.
"""

import math

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def token_nats(
    logits: Float[Tensor, "batch time vocab"], targets: Int[Tensor, "batch time"]
) -> Float[Tensor, "batch time"]:
    """-log p of each target in float32 or better; 0 where the target is -100."""
    logits = logits if logits.dtype.itemsize > 4 else logits.float()
    flat = logits.flatten(0, 1), targets.flatten()
    return F.cross_entropy(*flat, reduction="none").view_as(targets)


def bits_per_byte(nats: float, n_bytes: int) -> float:
    """The code length of a text in bits, for each byte of its UTF-8; NaN without any.

    `nats` is the sum over the tokens that make up these bytes, not their mean.
    """
    return nats / math.log(2) / n_bytes if n_bytes else math.nan


def perplexity(nats: float, n_tokens: int) -> float:
    """exp of the mean loss of a token; infinite where that is too large."""
    if not n_tokens:
        return math.nan
    mean = nats / n_tokens
    return math.exp(mean) if mean < 700 else math.inf
