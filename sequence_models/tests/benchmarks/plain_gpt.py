"""The models that the benchmarks compare with, as one writes them first."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PlainGPT(nn.Module):
    """nanoGPT's structure: pre-norm, joint qkv, SDPA, exact GELU, tied, no dropout."""

    def __init__(
        self,
        vocab: int,
        context: int,
        d_model: int = 128,
        layers: int = 4,
        heads: int = 4,
    ):
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocab, d_model)
        self.places = nn.Embedding(context, d_model)
        self.blocks = nn.ModuleList(PlainBlock(d_model, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    @torch.no_grad()
    def generate(self, tokens: Tensor, count: int) -> Tensor:
        """Greedy, reading the whole text again for each token."""
        for _ in range(count):
            logits = self(tokens[:, -self.context :])[:, -1]
            tokens = torch.cat([tokens, logits.argmax(-1, keepdim=True)], 1)
        return tokens


class PlainBlock(nn.Module):
    def __init__(self, d_model: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)
        self.up = nn.Linear(d_model, 4 * d_model)
        self.down = nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))

    def attend(self, x: Tensor) -> Tensor:
        batch, time, d_model = x.shape
        q, k, v = (
            part.view(batch, time, self.heads, -1).transpose(1, 2)
            for part in self.qkv(x).split(d_model, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).contiguous().view(batch, time, d_model))


@torch.no_grad()
def copy_weights(ours: nn.Module, plain: PlainGPT) -> None:
    """Give `plain` the weights of our gpt_2020."""
    pairs = [
        (plain.tokens, ours.embedding),
        (plain.places, ours.positions),
        (plain.norm, ours.norm),
    ]
    for a, b in zip(plain.blocks, ours.blocks, strict=True):
        pairs += [
            (a.norm1, b.attend_norm),
            (a.norm2, b.feed_norm),
            (a.qkv, b.attend.qkv),
            (a.out, b.attend.out),
            (a.up, b.feed.up),
            (a.down, b.feed.down),
        ]
    for to, source in pairs:
        to.load_state_dict(source.state_dict())
