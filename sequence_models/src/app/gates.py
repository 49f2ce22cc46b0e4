"""What the gates ask for: what a recurrent network keeps, writes and shows.

The states come from the cells as they run; the gates of all tokens follow from the
states before them by the equations of the cell's file.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models.gru import GRU
from ..models.ln_lstm import LayerNormLSTM
from ..models.lstm import LSTM
from ..models.min_gru import MinGRU
from ..models.min_gru import gates as min_gru_gates
from ..models.packing import Packing
from ..models.recurrent import Recurrent
from ..models.recurrent_cell import RecurrentCell
from ..tokenizers import Tokenizer
from ..utils.errors import InputError
from . import tokens
from .choices import Choices
from .features import FEATURES, follow
from .page import Question
from .tiny_training import CELLS, STEPS, TinyTraining


LONGEST = 240
"""Characters of a text."""
LIVE = "trained here: "
TITLES = {
    "i": "i, input gate",
    "f": "f, forget gate",
    "g": "g, what could be written",
    "o": "o, output gate",
    "r": "r, reset gate",
    "z": "z, update gate",
    "n": "n, what could be written",
    "c": "c, the cell",
    "h": "h, the output",
}
GATES = "ifrzo"
"""Those between 0 and 1; the others have both signs."""


class Gates:
    """A source is a checkpoint, or a tiny network trained on this page so far."""

    def __init__(self, choices: Choices):
        self.choices = choices
        self.training = TinyTraining()

    def start(self) -> dict[str, Any]:
        """What the controls offer; a tiny LSTM first where no run is recurrent."""
        live = [
            [LIVE + cell, f"tiny {title}, trained on this page"]
            for cell, title in CELLS.items()
        ]
        return {
            "sources": self.choices.listed() + live,
            "source": self._first() or live[0][0],
            "live": LIVE,
            "steps": list(STEPS),
            "text": self.training.sample(LONGEST),
            "features": list(FEATURES),
        }

    def train(self, source: str) -> Iterator[dict[str, Any]]:
        """Train a tiny network in seconds; a frame has its step and loss in bits."""
        return self.training.run(self._cell(source))

    @torch.inference_mode()
    def read(
        self, source: str, text: str, layer: int = 0, steps: int = 0
    ) -> dict[str, Any]:
        """Every gate and state of one layer over the text, and what each unit follows.

        `values` (quantities, tokens, units). `steps`: how long a tiny network has been
        trained by then; 0 is one that has learnt nothing.
        """
        model, tokenizer, kind = self._model(source, steps)
        recurrent = _recurrent(model, kind)
        if not text:
            raise InputError("the text is empty; type some words")
        ids = _encode(tokenizer, text)
        if not 0 <= layer < recurrent.rows:
            raise InputError(f"layer = {layer}: it has 0 to {recurrent.rows - 1}")
        found = unfold(recurrent, model.embedding(torch.tensor(ids)), layer)
        values = torch.stack(list(found.values()))
        names = tokens.names(tokenizer)
        letters = [tokenizer.decode([one]) for one in ids]
        return {
            "cell": kind,
            "tokens": [names[one] for one in ids],
            "layers": layer_titles(recurrent),
            "quantities": [
                {"name": name, "title": TITLES[name], "share": name in GATES}
                for name in found
            ],
            "values": values,
            "follows": follow(values, letters),
        }

    def exported(self) -> Iterator[Question]:
        """The tiny LSTM's training with its stages, and a recurrent run if any.

        What is learnt while the answers are made is there for those that follow.
        """
        text, first = self.training.sample(LONGEST), self._first()
        source = LIVE + next(iter(CELLS))
        yield "gates/start", {}
        yield "gates/train", {"source": source}
        for steps in STEPS:
            given = {"source": source, "text": text, "layer": 0, "steps": steps}
            yield "gates/read", given
        if first:
            given = {"source": first, "text": text, "layer": 0, "steps": 0}
            for layer in range(len(self.read(**given)["layers"])):
                yield "gates/read", given | {"layer": layer}

    def _first(self) -> str:
        """The first checkpoint here that is recurrent and can read the text."""
        kinds = (" rnn", " lstm", " gru", " ln_lstm", " min_gru")
        for name, title in self.choices.listed():
            if any(kind in title for kind in kinds):
                with suppress(InputError):
                    self.read(name, self.training.sample(LONGEST))
                    return name
        return ""

    def _cell(self, source: str) -> str:
        cell = source.removeprefix(LIVE)
        if cell not in CELLS or cell == source:
            raise InputError(
                f"{source[:60]!r} is not trained on this page; choose one that is"
            )
        return cell

    def _model(self, source: str, steps: int) -> tuple[nn.Module, Tokenizer, str]:
        if source.startswith(LIVE):
            cell = self._cell(source)
            return self.training.model(cell, steps), self.training.tokenizer, cell
        predictor = self.choices.get(source)
        return predictor.model, predictor.tokenizer, predictor.config.model.name


def unfold(recurrent: Recurrent, x: Tensor, layer: int) -> dict[str, Tensor]:
    """Gates and states (tokens, units) of one cell, for `x` (tokens, features).

    `layer` counts the cells; of two directions the second reads from the end.
    """
    ways = recurrent.ways
    for first in range(0, recurrent.rows, ways):
        outputs = []
        for row in range(first, first + ways):
            turned = row % ways == 1
            found = cell_gates(recurrent.cells[row], x.flip(0) if turned else x)
            if turned:
                found = {name: value.flip(0) for name, value in found.items()}
            if row == layer:
                return found
            outputs.append(found["h"])
        x = torch.cat(outputs, 1)
    raise IndexError(layer)


def cell_gates(cell: RecurrentCell, x: Tensor) -> dict[str, Tensor]:
    """What one cell computes on the way to its states, which are the last entries."""
    zeros = (x.new_zeros(1, cell.hidden),) * cell.states
    states = cell.sweep(x, zeros, Packing(1, len(x), None, x.device))
    before = tuple(torch.cat((z, s[:-1])) for z, s in zip(zeros, states, strict=True))
    kinds = (kind for kind in _GATES_OF if isinstance(cell, kind))
    found = (
        {} if (kind := next(kinds, None)) is None else _GATES_OF[kind](cell, x, before)
    )
    names = ("h", "c")[: cell.states]
    return found | dict(reversed([*zip(names, states, strict=True)]))


def layer_titles(recurrent: Recurrent) -> list[str]:
    """`layer 1`, and where both directions are read, which."""
    if recurrent.ways == 1:
        return [f"layer {row + 1}" for row in range(recurrent.rows)]
    arrows = ("forwards", "backwards")
    return [f"layer {r // 2 + 1}, {arrows[r % 2]}" for r in range(recurrent.rows)]


def _layer_norm_lstm(cell: LayerNormLSTM, x: Tensor, before: tuple) -> dict:
    recurrent = cell.norm_hh(F.linear(before[0], cell.weight_hh)) + cell.bias_hh
    return _ifgo(cell.project(x) + recurrent)


def _lstm(cell: LSTM, x: Tensor, before: tuple) -> dict:
    recurrent = F.linear(before[0], cell.weight_hh, cell.bias_hh)
    return _ifgo(cell.project(x) + recurrent)


def _ifgo(gates: Tensor) -> dict:
    i, f, g, o = gates.chunk(4, 1)
    return {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}


def _gru(cell: GRU, x: Tensor, before: tuple) -> dict:
    xr, xz, xn = cell.project(x).chunk(3, 1)
    hr, hz, hn = F.linear(before[0], cell.weight_hh, cell.bias_hh).chunk(3, 1)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    return {"r": r, "z": z, "n": (xn + r * hn).tanh()}


def _min_gru(cell: MinGRU, x: Tensor, before: tuple) -> dict:
    projected = cell.project(x)
    z = projected.chunk(2, 1)[0].sigmoid()
    _, write = min_gru_gates(projected)  # z . n
    return {"z": z, "n": write / z.clamp(min=1e-30)}


_GATES_OF: dict[type, Callable[..., dict]] = {
    LayerNormLSTM: _layer_norm_lstm,
    LSTM: _lstm,
    GRU: _gru,
    MinGRU: _min_gru,
}


def _recurrent(model: nn.Module, kind: str) -> Recurrent:
    recurrent = getattr(model, "recurrent", None)
    if not isinstance(recurrent, Recurrent):
        raise InputError(
            f"{kind} has no gates to show: it is none of the recurrent networks of "
            "src/models; choose one of these, or train a tiny one here"
        )
    return recurrent


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    if len(text) > LONGEST:
        raise InputError(
            f"the text has {len(text):,} characters; this panel reads {LONGEST} at "
            "most: shorten it"
        )
    return tokenizer.encode(text)
