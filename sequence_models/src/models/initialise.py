"""How the weights of a Transformer begin."""

from collections.abc import Sequence
from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn

from .attention import Attention, CrossAttention
from .blocks import FeedForward


InitName = Literal["xavier", "scaled"]


@torch.no_grad()
def initialise(model: nn.Module, name: InitName) -> None:
    """All biases 0 and norms 1.

    `xavier`: uniform(+-sqrt(6 / (in + out))) for each of the queries', keys', values'
    and other matrices (Glorot & Bengio 2010), embeddings N(0, 1/d_model), as in the
    2017 Transformer. `scaled`: N(0, 0.02^2), and for the matrices that write into the
    residual path less by sqrt of how many there are (GPT-2, section 2.3).
    """
    if name not in ("xavier", "scaled"):
        raise ValueError(f"init = {name!r}: must be xavier or scaled")
    for part in model.modules():
        if isinstance(part, nn.Linear):
            if name == "scaled":
                nn.init.normal_(part.weight, std=0.02)
            else:
                nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Embedding):
            std = 0.02 if name == "scaled" else part.embedding_dim**-0.5
            nn.init.normal_(part.weight, std=std)
    if name == "scaled":
        writers = [w for part in model.modules() if (w := _writer(part)) is not None]
        for writer in writers:
            nn.init.normal_(writer.weight, std=0.02 / sqrt(len(writers)))
    else:
        for joint in [j for part in model.modules() for j in _joint(part)]:
            nn.init.xavier_uniform_(joint)


def _writer(part: nn.Module) -> nn.Linear | None:
    """The matrix of this part that writes into the residual path."""
    if isinstance(part, (Attention, CrossAttention)):
        return part.out
    return part.down if isinstance(part, FeedForward) else None


def _joint(part: nn.Module) -> Sequence[Tensor]:
    """The matrices of this part that stand in a joint one."""
    if isinstance(part, Attention):
        keys = part.kv_heads * part.head_dim
        return part.qkv.weight.split((part.d_model, keys, keys))
    return part.kv.weight.chunk(2) if isinstance(part, CrossAttention) else ()
