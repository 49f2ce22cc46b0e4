"""Gated retention: a Transformer's layers, with a memory that does not grow.

The recurrence is the gated retention of Sun et al. 2024 (arXiv 2405.05254, 3.1):
RetNet's (2307.08621) with a decay that the data decide. Attention without its softmax
may be summed up in any order, so a head keeps one matrix S instead of all keys and
values. At token t it forgets by the factor a_t, writes, and reads:

    a_t = sigmoid(w x_t + b)^(1/16)
    S_t = a_t S_(t-1) + k_t' v_t
    o_t = q_t S_t / d^0.5

Unrolled, that is o_t = sum over s <= t of (q_t k_s' / d^0.5) (a_(s+1) ... a_t) v_s: the
products of a whole chunk are matrix products, as in attention, and the memory before
the chunk comes on top. Both give the same numbers.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ...utils.contracts import contract
from ..linear import Linear
from ..norms import RMSNorm


Memory = tuple[Tensor, ...]

SLOWNESS = 16
"""Root of the sigmoid, so that it need not be near 1 for a long memory."""
FORGET = (-2.0, 4.0)
"""The biases b of the first head and the last: they remember for 8 and 900 tokens."""


@dataclass(frozen=True, slots=True)
class Config:
    d_model: int = 128
    layers: int = 4
    heads: int = 4
    hidden: int = 0
    """Units of the feed-forward part; 0: 8/3 d_model, as in LLaMA."""
    dropout: float = 0.0

    def __post_init__(self):
        if self.d_model < 1 or self.heads < 1 or self.d_model % self.heads:
            raise ValueError(
                f"d_model = {self.d_model}: must be a multiple of heads = {self.heads}"
            )
        if self.layers < 1 or self.hidden < 0:
            name = "layers" if self.layers < 1 else "hidden"
            raise ValueError(f"{name} = {getattr(self, name)}: is too small")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout}: must be in [0, 1)")


def build(config: Config, vocab: int, context: int) -> "RetentionLM":
    """The model; it reads any number of tokens, so `context` is not needed."""
    return RetentionLM(config, vocab)


class RetentionLM(nn.Module):
    """Logits of the next token after each token; one matrix a head is its memory.

    The memory is one tensor for each layer, batch first. Positions need no code: the
    decay says how long ago something was.
    """

    context = None  # as many tokens as come

    def __init__(self, config: Config, vocab: int):
        super().__init__()
        d, self.vocab, self.config = config.d_model, vocab, config
        self.heads, self.head_dim = config.heads, d // config.heads
        self.embedding = nn.Embedding(vocab, d)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = RMSNorm(d)
        self.head = Linear(d, vocab, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                nn.init.normal_(weight, std=0.02)
            if name.endswith(("out.weight", "down.weight")):
                nn.init.zeros_(weight)  # each layer begins as the identity
            if name.endswith("decay.bias"):
                weight.data = torch.linspace(*FORGET, config.heads)
        self.head.weight = self.embedding.weight

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: tuple[
            Float[Tensor, "batch {self.heads} {self.head_dim} {self.head_dim}"], ...
        ]
        | None = None,
        *,
        document: Int[Tensor, "batch time"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch time {self.vocab}"],
        tuple[Float[Tensor, "batch {self.heads} {self.head_dim} {self.head_dim}"], ...],
    ]:
        """Logits, and the memory after the last token (None: nothing came before).

        With `document` no token sees another document, and the memory left is that of
        the last one; memory of earlier tokens cannot be given then.
        """
        if document is not None and memory is not None:
            raise ValueError("packed documents begin with an empty memory")
        memory = memory or self.new_memory(len(tokens))
        x, after = self.embedding(tokens), []
        for layer, before in zip(self.layers, memory, strict=True):
            x, state = layer(x, before, document)
            after.append(state)
        return self.head(self.norm(x)), tuple(after)

    def new_memory(self, batch: int, length: int = 0) -> Memory:
        """Zeros; `length` does not matter, for the memory does not grow."""
        shape = (batch, self.heads, self.head_dim, self.head_dim)
        return tuple(self.head.weight.new_zeros(shape) for _ in self.layers)


class Layer(nn.Module):
    """Retention, then SwiGLU, each behind an RMS norm and added to what came in."""

    def __init__(self, config: Config):
        super().__init__()
        d, self.heads = config.d_model, config.heads
        hidden = config.hidden or 16 * max(1, round(d / 6))
        self.norm1, self.norm2 = RMSNorm(d), RMSNorm(d)
        self.head_norm = RMSNorm(d // config.heads)
        self.query, self.key, self.value, self.gate, self.out = (
            Linear(d, d, bias=False) for _ in range(5)
        )
        self.decay = nn.Linear(d, config.heads)
        self.up, self.up_gate = (Linear(d, hidden, bias=False) for _ in range(2))
        self.down = Linear(hidden, d, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, before: Tensor, document: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        y = self.norm1(x)
        q, k, v = (
            part(y).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, H, T, d)
            for part in (self.query, self.key, self.value)
        )
        log_a = F.logsigmoid(self.decay(y)).transpose(1, 2) / SLOWNESS  # (B, H, T)
        o, after = retention(q, k, v, log_a, before, document)
        o = self.head_norm(o).transpose(1, 2).flatten(2)  # (B, T, d_model)
        x = x + self.dropout(self.out(F.silu(self.gate(y)) * o))
        y = self.norm2(x)
        return x + self.dropout(self.down(F.silu(self.up_gate(y)) * self.up(y))), after


@contract
def retention(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch heads time head_dim"],
    v: Float[Tensor, "batch heads time head_dim"],
    log_a: Float[Tensor, "batch heads time"],
    before: Float[Tensor, "batch heads head_dim head_dim"],
    document: Int[Tensor, "batch time"] | None = None,
) -> tuple[
    Float[Tensor, "batch heads time head_dim"],
    Float[Tensor, "batch heads head_dim head_dim"],
]:
    """Outputs of a chunk of tokens, and the memory S after it.

    The decay from s to t is exp(c_t - c_s) with c the running sum of log a <= 0: at
    most 1, and never a quotient of two numbers that have become zero.
    """
    time, scale = q.shape[2], q.shape[3] ** -0.5
    c = log_a.cumsum(2)
    visible = torch.ones(time, time, dtype=torch.bool, device=q.device).tril()
    if document is not None:
        visible = visible & (document[:, None, :, None] == document[:, None, None, :])
    decay = (c[..., :, None] - c[..., None, :]).masked_fill(~visible, -torch.inf).exp()
    o = (q @ k.mT * scale * decay) @ v + (q * scale * c.exp()[..., None]) @ before
    last = decay[..., -1, :, None]  # from each token to the last one
    return o, c[..., -1, None, None].exp() * before + (k * last).mT @ v
