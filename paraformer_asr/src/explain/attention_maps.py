"""Where each token looked: the weights of the decoder's cross-attention."""

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..models.attention import Attention
from ..models.linear import linear
from ..utils.contracts import contract
from ..utils.plots import new_figure, plain_text, save_figure


def cross_attention(decoder: nn.Module, call: Callable[[], Any]) -> list[Tensor]:
    """(batch, heads, tokens, time) of each layer, as `call()` runs the decoder.

    They are computed again from what the layers were given: the fast kernel keeps none.
    """
    found: list[Tensor] = []
    modules = [layer.cross_attention for layer in decoder.layers]
    with _watch(modules, found):
        call()
    return found


@contract
def attention_weights(
    attention: Attention,
    queries: Float[Tensor, "batch tokens d_model"],
    keys: Float[Tensor, "batch time d_model"],
    mask: Tensor | None = None,
) -> Float[Tensor, "batch heads tokens time"]:
    """softmax(Q K' / sqrt(head_dim)), zero where the mask shows nothing."""
    heads, size = (attention.heads, attention.head_dim), attention.d_model
    weight, bias = attention.qkv.weight[:size], attention.qkv.bias[:size]
    q = linear(queries, weight, bias).unflatten(2, heads).transpose(1, 2)
    scores = q @ attention.project(keys).k.mT / attention.head_dim**0.5
    if mask is None:
        return scores.softmax(-1)
    seen = mask[:, None]
    scores = scores.masked_fill(~seen, torch.finfo(scores.dtype).min)
    return scores.softmax(-1) * seen


def draw_attention(
    layers: list[Tensor], tokens: list[str], seconds: float, path: Path, title: str = ""
) -> None:
    """A row a layer, a column a head: tokens against time, of the first utterance."""
    heads = layers[0].shape[1]
    figure = new_figure(
        2.6 * heads + 0.6, 0.5 + len(layers) * (0.8 + 0.16 * len(tokens))
    )
    axes = figure.subplots(len(layers), heads, squeeze=False)
    names = [plain_text(token, 8) for token in tokens]
    for row, weights in enumerate(layers):
        for head in range(heads):
            axis = axes[row][head]
            image = weights[0, head].float().cpu().numpy()
            axis.imshow(
                image, aspect="auto", cmap="magma", vmin=0, interpolation="nearest",
                extent=(0, seconds, len(tokens) - 0.5, -0.5),
            )  # fmt: skip
            axis.set_yticks(
                range(len(names)), names if head == 0 else [""] * len(names)
            )
            axis.set_title(f"layer {row + 1}, head {head + 1}", fontsize=8)
            axis.tick_params(labelbottom=row == len(layers) - 1, labelsize=8)
    figure.supxlabel("seconds", fontsize=9)
    figure.suptitle(plain_text(title, 90), fontsize=10)
    save_figure(figure, path)


@contextmanager
def _watch(modules: list[Attention], found: list[Tensor]):
    def note(module, given, _):
        with torch.no_grad():
            found.append(attention_weights(module, *given))

    handles = [module.register_forward_hook(note) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
