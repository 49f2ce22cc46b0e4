"""Attention with several heads (Vaswani et al. 2017, 3.2.2), PyTorch's parameters."""

from typing import Any

from jaxtyping import Float, Shaped

from .. import functional as F
from ..engine.backend import array_module
from ..engine.dtypes import bool_
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from . import init
from .linear import Linear, new_parameter, no_parameter
from .module import Module


class MultiheadAttention(Module):
    """softmax(q k^T / sqrt(head_dim) + masks) v of each head, joined and projected.

    The axes are (tokens, batch, embed_dim), with `batch_first` (batch, tokens,
    embed_dim). A True in a boolean mask forbids; a floating mask is added.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: embed_dim {embed_dim} does not split into "
                f"{num_heads} heads"
            )
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.dropout, self.batch_first = dropout, batch_first
        self.in_proj_weight = init.xavier_uniform_(
            new_parameter(3 * embed_dim, embed_dim)
        )
        if bias:
            self.in_proj_bias = new_parameter(3 * embed_dim)
        else:
            no_parameter(self, "in_proj_bias")
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if bias:
            init.zeros_(self.out_proj.bias)

    @contract
    def forward(
        self,
        query: Float[Tensor, "q0 q1 {self.embed_dim}"],
        key: Float[Tensor, "k0 k1 {self.embed_dim}"],
        value: Float[Tensor, "k0 k1 {self.embed_dim}"],
        key_padding_mask: Shaped[Tensor, "batch keys"] | None = None,
        need_weights: bool = True,
        attn_mask: Shaped[Tensor, "*any tokens keys"] | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[
        Float[Tensor, "q0 q1 {self.embed_dim}"],
        Float[Tensor, "batch *heads tokens keys"] | None,
    ]:
        """The attended values, and the weights (of all heads or their mean) or None.

        `is_causal` hides later keys by itself, PyTorch wants the mask too. Without
        `need_weights` it is one fused operation, where a query without keys gives 0.
        """
        q, k, v = self._project(query, key, value)
        mask, given = None, key_padding_mask is not None or attn_mask is not None
        if given or (is_causal and need_weights):
            mask = self._mask(q, k, key_padding_mask, attn_mask, is_causal)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = (q * q.shape[-1] ** -0.5) @ k.swapaxes(-1, -2)
            if mask is not None:
                scores = scores + Tensor(mask)
            weights = F.dropout(F.softmax(scores, -1), dropout)
            out = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            causal = is_causal and mask is None
            added = None if mask is None else Tensor(mask)
            out = F.scaled_dot_product_attention(q, k, v, added, dropout, causal)
        out = out.movedim(1, 2)  # (batch, tokens, heads, head_dim)
        out = out.reshape(*out.shape[:2], self.embed_dim)
        out = self.out_proj(out)
        return (out if self.batch_first else out.swapaxes(0, 1)), weights

    def _project(self, *inputs: Tensor) -> list[Tensor]:
        """Query, key and value as (batch, heads, tokens, head_dim)."""
        weight, bias, width = self.in_proj_weight, self.in_proj_bias, self.embed_dim
        if inputs[0] is inputs[1] is inputs[2]:
            flat = F.linear(inputs[0], weight, bias)
            parts = [flat[..., i * width : (i + 1) * width] for i in range(3)]
        else:
            rows = [slice(i * width, (i + 1) * width) for i in range(3)]
            shifts = [None if bias is None else bias[row] for row in rows]
            parts = [
                F.linear(x, weight[row], shift)
                for x, row, shift in zip(inputs, rows, shifts, strict=True)
            ]
        batch = 0 if self.batch_first else 1
        if parts[0].shape[batch] != parts[1].shape[batch]:
            raise RuntimeError(
                f"MultiheadAttention: query of shape {inputs[0].shape} and key of "
                f"shape {inputs[1].shape} differ in the batch, axis {batch}"
            )
        split = self.num_heads, width // self.num_heads
        heads = [p.reshape(*p.shape[:2], *split) for p in parts]
        if self.batch_first:
            return [h.movedim(2, 1) for h in heads]
        return [h.permute(1, 2, 0, 3) for h in heads]

    def _mask(
        self,
        q: Tensor,
        k: Tensor,
        padding: Tensor | None,
        given: Tensor | None,
        causal: bool,
    ) -> Any:
        """All masks as one array to add to the scores."""
        xp = array_module(q.data)
        batch, heads, tokens, keys = *q.shape[:3], k.shape[2]
        total = xp.zeros((1, 1, tokens, keys), q.dtype)
        if causal:
            total[..., ~xp.tri(tokens, keys, dtype=bool)] = -xp.inf
        if given is not None:
            _want("attn_mask", given, {(tokens, keys), (batch * heads, tokens, keys)})
            added = _additive(given, q)
            shape = (batch, heads, tokens, keys) if given.ndim == 3 else added.shape
            total = total + added.reshape(shape)
        if padding is not None:
            _want("key_padding_mask", padding, {(batch, keys)})
            total = total + _additive(padding, q).reshape(batch, 1, 1, keys)
        return total


def _additive(mask: Tensor, like: Tensor) -> Any:
    """Minus infinity where a boolean mask forbids; a floating one as it is."""
    xp = array_module(mask.data)
    if mask.requires_grad:
        raise NotImplementedError(
            "MultiheadAttention: a mask that requires gradients; add it to the scores "
            "of your own attention instead"
        )
    if mask.dtype == bool_:
        return xp.where(mask.data, -xp.inf, 0).astype(like.dtype)
    if not mask.is_floating_point():
        raise TypeError(
            f"MultiheadAttention: a mask is boolean or floating, not {mask.dtype}"
        )
    return mask.data.astype(like.dtype)


def _want(name: str, mask: Tensor, shapes: set[tuple[int, ...]]) -> None:
    if mask.shape not in shapes:
        allowed = " or ".join(str(shape) for shape in sorted(shapes))
        raise RuntimeError(
            f"MultiheadAttention: {name} of shape {mask.shape}, not {allowed}"
        )
