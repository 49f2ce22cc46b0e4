"""One token a row behind a cache: `Decoder.forward` without a call for each module.

The same equations in the same order, for generation: no modules, no gradient, no mask,
vectors in place of (batch, 1, d_model). For 128 numbers a token a module call costs as
much as a matrix. Queries of one group stand where SDPA has its time axis, which makes
grouped attention free.
"""

from collections.abc import Callable
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import Block, FeedForward
from .cache import KVCache, LayerCache
from .positions import Rotation


Map = Callable[[Tensor], Tensor]


class TokenStep:
    """The tensors of a decoder, taken out of its modules when generation begins.

    They are the modules' own, so that a change in place is seen, but not a new one.
    """

    def __init__(self, model: nn.Module):
        self.embedding, self.scale = model.embedding.weight, model.embedding_scale
        head = model.embedding if model.head is None else model.head
        self.head = head.weight
        self.positions, self.rotary = model.positions, model.rotary
        self.blocks = [_block(block) for block in model.blocks]
        self.norm = _norm(model.norm)

    def __call__(self, tokens: Tensor, memory: KVCache) -> Tensor:
        """The logits (batch, 1, vocab) after `tokens` (batch, 1)."""
        here = slice(memory.past, memory.past + 1)
        x = F.embedding(tokens[:, 0], self.embedding)
        if self.scale != 1.0:
            x = x * self.scale
        if self.positions is not None:
            x = x + self.positions(here)
        rotation = None
        if self.rotary is not None:
            cos, sin = self.rotary(here)
            rotation = cos[0], sin[0]
        for number, block in enumerate(self.blocks):
            x = block(x, memory[number], rotation)
        return F.linear(self.norm(x), self.head)[:, None]


def _block(block: Block) -> Callable[[Tensor, LayerCache, Rotation | None], Tensor]:
    attend, feed = _attention(block.attend), _feed(block.feed)
    attend_norm, feed_norm = _norm(block.attend_norm), _norm(block.feed_norm)

    def pre(x: Tensor, cache: LayerCache, rotation: Rotation | None) -> Tensor:
        x = x + attend(attend_norm(x), cache, rotation)
        return x + feed(feed_norm(x))

    def post(x: Tensor, cache: LayerCache, rotation: Rotation | None) -> Tensor:
        x = attend_norm(x + attend(x, cache, rotation))
        return feed_norm(x + feed(x))

    return pre if block.order == "pre" else post


def _attention(part: nn.Module) -> Callable[..., Tensor]:
    heads, kv_heads, head_dim = part.heads, part.kv_heads, part.head_dim
    qkv, qkv_bias, out, out_bias = *_weights(part.qkv), *_weights(part.out)
    norm = None
    if part.norm is not None:
        norm = _rms(part.norm.weight.view(-1, 1, head_dim), part.norm.eps)
    groups, half = heads // kv_heads, head_dim // 2

    def attend(x: Tensor, cache: LayerCache, rotation: Rotation | None) -> Tensor:
        batch = len(x)
        joint = F.linear(x, qkv, qkv_bias).view(batch, -1, 1, head_dim)
        if norm is None and rotation is None:
            q, k, v = joint.split((heads, kv_heads, kv_heads), 1)
        else:
            qk, v = joint.split((heads + kv_heads, kv_heads), 1)
            if norm is not None:
                qk = norm(qk)
            if rotation is not None:
                cos, sin = rotation
                qk = torch.addcmul(qk * cos, qk.roll(half, -1), sin)
            q, k = qk.split((heads, kv_heads), 1)
        k, v = cache.append(k, v)
        if groups > 1:
            q = q.view(batch, kv_heads, groups, head_dim)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return F.linear(mixed.reshape(batch, -1), out, out_bias)

    return attend


def _feed(part: FeedForward) -> Map:
    up, up_bias, down, down_bias = *_weights(part.up), *_weights(part.down)
    if part.kind == "swiglu":
        hidden = down.shape[1]

        def act(y: Tensor) -> Tensor:
            return F.silu(y[:, :hidden]).mul_(y[:, hidden:])
    elif part.kind == "relu":
        act = torch.relu_
    else:
        tanh = "tanh" if part.kind == "gelu_tanh" else "none"

        def act(y: Tensor) -> Tensor:
            return F.gelu(y, approximate=tanh)

    return lambda x: F.linear(act(F.linear(x, up, up_bias)), down, down_bias)


def _norm(part: nn.Module | None) -> Map:
    if part is None:
        return lambda x: x
    if isinstance(part, nn.LayerNorm):
        shape, weight, bias, eps = part.normalized_shape, *_weights(part), part.eps
        return lambda x: torch.layer_norm(x, shape, weight, bias, eps, False)
    return _rms(part.weight, part.eps)


def _rms(weight: Tensor, eps: float) -> Map:
    """x w / sqrt(|x|^2 / n + eps) as x (w sqrt(n)) / sqrt(|x|^2 + n eps)."""
    features = weight.shape[-1]
    added = weight.new_tensor(features * eps)

    def norm(x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, 2, -1, True)
        scale = torch.addcmul(added, length, length).rsqrt_().mul_(sqrt(features))
        return (x * scale).mul_(weight)

    return norm


def _weights(part: nn.Module) -> tuple[Tensor, Tensor | None]:
    return part.weight, part.bias
