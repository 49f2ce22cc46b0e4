"""Layers of the Transformer (Vaswani et al. 2017), with PyTorch's parameter names."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from jaxtyping import Float

from .. import functional as F
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .activations import Dropout
from .attention import MultiheadAttention
from .containers import ModuleList
from .linear import Linear
from .module import Module
from .norms import LayerNorm


Activation = str | Callable[[Tensor], Tensor]


class Layer(Module):
    """What both layers share: their sizes, and the network at each place."""

    norms = 2  # one before or after each part

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.d_model, self.norm_first = d_model, norm_first
        self.activation = _activation(activation)
        how = {"batch_first": batch_first}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, **how)
        if self.norms == 3:
            self.multihead_attn = MultiheadAttention(
                d_model, nhead, dropout, bias, **how
            )
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        for i in range(1, self.norms + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias))
            setattr(self, f"dropout{i}", Dropout(dropout))

    def _residual(self, i: int, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """x + dropout(part(x)), with norm number i before the part or after all."""
        norm, drop = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        if self.norm_first:
            return x + drop(part(norm(x)))
        return norm(x + drop(part(x)))

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(Layer):
    """Attention of the sequence to itself, then a network at each place."""

    @contract
    def forward(
        self,
        src: Float[Tensor, "first second {self.d_model}"],
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Float[Tensor, "first second {self.d_model}"]:
        """Masks as `MultiheadAttention` takes them: True forbids."""

        def attend(x: Tensor) -> Tensor:
            masks = src_key_padding_mask, False, src_mask
            return self.self_attn(x, x, x, *masks, is_causal=is_causal)[0]

        x = self._residual(1, src, attend)
        return self._residual(2, x, self._feed_forward)


class TransformerDecoderLayer(Layer):
    """Attention to itself, attention to a memory, then a network at each place."""

    norms = 3

    @contract
    def forward(
        self,
        tgt: Float[Tensor, "first second {self.d_model}"],
        memory: Float[Tensor, "third fourth {self.d_model}"],
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Float[Tensor, "first second {self.d_model}"]:
        """Masks as `MultiheadAttention` takes them: True forbids."""

        def attend(x: Tensor) -> Tensor:
            masks = tgt_key_padding_mask, False, tgt_mask
            return self.self_attn(x, x, x, *masks, is_causal=tgt_is_causal)[0]

        def look(x: Tensor) -> Tensor:
            masks = memory_key_padding_mask, False, memory_mask
            how = {"is_causal": memory_is_causal}
            return self.multihead_attn(x, memory, memory, *masks, **how)[0]

        x = self._residual(1, tgt, attend)
        x = self._residual(2, x, look)
        return self._residual(3, x, self._feed_forward)


class Stack(Module):
    """Copies of one layer, one after the other, and a norm at the end."""

    def __init__(
        self, layer: Layer, num_layers: int, norm: Module | None = None
    ) -> None:
        super().__init__()
        self.d_model = layer.d_model
        self.layers = ModuleList(deepcopy(layer) for _ in range(num_layers))
        self.norm = norm

    def through(self, x: Tensor, *args: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x, *args)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(Stack):
    """`num_layers` copies of an encoder layer."""

    @contract
    def forward(
        self,
        src: Float[Tensor, "first second {self.d_model}"],
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Float[Tensor, "first second {self.d_model}"]:
        return self.through(src, mask, src_key_padding_mask, is_causal)


class TransformerDecoder(Stack):
    """`num_layers` copies of a decoder layer."""

    @contract
    def forward(
        self,
        tgt: Float[Tensor, "first second {self.d_model}"],
        memory: Float[Tensor, "third fourth {self.d_model}"],
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Float[Tensor, "first second {self.d_model}"]:
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        return self.through(tgt, memory, *masks, tgt_is_causal, memory_is_causal)


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    known = {"relu": F.relu, "gelu": F.gelu}
    if isinstance(given, str) and given not in known:
        raise ValueError(f"activation is relu, gelu or a function, not {given!r}")
    return known[given] if isinstance(given, str) else given
