"""What the attention maps ask for: who looks at whom, in each layer and head."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..inference.labelling import answer
from ..inference.predictor import Predictor
from ..inference.writing import Writing
from ..utils.errors import InputError
from . import tokens
from .choices import Choices
from .page import Question


LONGEST = 2000
"""Characters of a text."""
SHOWN = 96
"""Tokens of it in a map: its last ones."""
TEXTS = (
    "One day Tom found a red ball in the garden.",
    "Once upon a time there was a girl called Anna. She had a little dog.",
)


class Attention:
    """Maps are numbered in the order in which the network computes them."""

    def __init__(self, choices: Choices):
        self.choices = choices

    def start(self) -> dict[str, Any]:
        """What the controls offer."""
        return {
            "checkpoints": self.choices.listed(),
            "checkpoint": self.choices.first,
            "texts": list(TEXTS),
        }

    def read(self, checkpoint: str, text: str) -> dict[str, Any]:
        """The tokens, and for each map of the network figures of its heads."""
        predictor = self.choices.get(checkpoint)
        sides, left_out, maps = self._maps(predictor, text)
        names = tokens.names(predictor.tokenizer)
        titles = _titles(predictor, len(maps))
        return {
            "tokens": {side: [names[i] for i in ids] for side, ids in sides.items()},
            "ids": sides,
            "left_out": left_out,
            "maps": [
                {"title": title, "rows": rows, "columns": columns}
                | head_figures(weights)
                for (title, rows, columns), weights in zip(titles, maps, strict=True)
            ],
        }

    def map(self, checkpoint: str, text: str, number: int) -> dict[str, Any]:
        """The weights of one map, (heads, queries, keys): each row adds up to 1."""
        *_, maps = self._maps(self.choices.get(checkpoint), text)
        if not 0 <= number < len(maps):
            raise InputError(f"number = {number}: the maps are 0 to {len(maps) - 1}")
        return {"weights": maps[number]}

    def exported(self) -> list[Question]:
        """A few texts in all maps, if the checkpoint has attention."""
        name = self.choices.first
        questions: list[Question] = [("attention/start", {})]
        for text in TEXTS:
            given = {"checkpoint": name, "text": text}
            try:
                count = len(self.read(**given)["maps"])
            except InputError:
                continue
            questions.append(("attention/read", given))
            questions += [
                ("attention/map", given | {"number": n}) for n in range(count)
            ]
        return questions

    def _maps(
        self, predictor: Predictor, text: str
    ) -> tuple[dict[str, list[int]], int, list[Tensor]]:
        """The tokens that are read, how many before them are not, and the weights."""
        if not text.strip():
            raise InputError("the text is empty; type some words")
        ids = tokens.read(predictor, text, LONGEST)
        sides = {"text": ids[-min(SHOWN, predictor.info.context) :]}
        left_out = len(ids) - len(sides["text"])
        if predictor.kind == "pairs":
            sides = self._pair(predictor, sides["text"])
        recorder = Recorder()
        with torch.inference_mode(), recorder:
            _run(predictor, sides)
        if not recorder.weights:
            raise InputError(_without(predictor))
        return sides, left_out, [weights[0] for weights in recorder.weights]

    def _pair(self, predictor: Predictor, source: list[int]) -> dict[str, list[int]]:
        """The text and what the model answers to it, each with its own tokens."""
        (found,) = answer(predictor, [source], Writing(length=SHOWN, temperature=0.0))
        written = predictor.tokenizer.encode(found["answer"])
        bos = predictor.special("<|bos|>")
        return {"text": source, "answer": [bos, *written][: predictor.info.context]}


class Recorder(TorchFunctionMode):
    """Notes the weights of each F.scaled_dot_product_attention in this thread.

    They are computed from what the kernel is given, whichever model asks it: the kernel
    itself never has them all in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Tensor] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is F.scaled_dot_product_attention:
            self.weights.append(attention_weights(*args, **kwargs))
        return function(*args, **kwargs)


def attention_weights(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    enable_gqa: bool = False,
) -> Tensor:
    """What F.scaled_dot_product_attention of these multiplies `value` with."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    scores = query @ key.mT / math.sqrt(query.shape[-1])  # (batch, heads, time, total)
    if is_causal:
        attn_mask = torch.ones_like(scores, dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return scores.softmax(-1).nan_to_num(0.0)  # a query that sees nothing takes nothing


def head_figures(weights: Tensor) -> dict[str, Tensor]:
    """Of each head, as means over the queries: entropy in bits, and where it looks.

    `before` and `itself` are the shares of the token before and of the own one, `first`
    that of the first token, `distance` how many tokens back the weight lies.
    """
    time, total = weights.shape[1:]
    logs = torch.where(weights > 0, weights, 1.0).log2()
    place = torch.arange(total - time, total)[:, None] - torch.arange(total)
    found = {
        "entropy": -(weights * logs).sum(2).mean(1),
        "first": weights[:, :, 0].mean(1),
    }
    if time == total:
        found |= {
            "itself": (weights * (place == 0)).sum(2).mean(1),
            "before": (weights * (place == 1)).sum(2).mean(1),
            "distance": (weights * place.abs()).sum(2).mean(1),
        }
    return {name: figure.tolist() for name, figure in found.items()}


def _run(predictor: Predictor, sides: dict[str, list[int]]) -> None:
    """One forward pass of whatever the checkpoint is for."""
    text, real = predictor.padded([sides["text"]])
    if predictor.kind == "pairs":
        predictor.model(text, real, predictor.tensor(sides["answer"])[None])
    elif predictor.kind in ("mlm", "classify"):
        predictor.model(text, real)
    else:
        predictor.model(text)


def _without(predictor: Predictor) -> str:
    name = predictor.config.model.name
    if hasattr(predictor.model, "recurrent"):
        return (
            f"{name} has no attention: what it has read is in a state of fixed size; "
            "choose a Transformer, or see its gates"
        )
    return (
        f"{name} has no attention to show: it never asks "
        "F.scaled_dot_product_attention; choose a Transformer"
    )


def _titles(predictor: Predictor, count: int) -> list[tuple[str, str, str]]:
    """(title, whose tokens are the rows, whose the columns) of each map."""
    if predictor.kind != "pairs":
        return [(f"layer {n + 1}", "text", "text") for n in range(count)]
    encoder = len(predictor.model.encoder)
    titles = [(f"encoder, layer {n + 1}", "text", "text") for n in range(encoder)]
    for n in range((count - encoder) // 2):
        titles.append((f"decoder, layer {n + 1}", "answer", "answer"))
        titles.append((f"decoder, layer {n + 1}, to the text", "answer", "text"))
    return titles
