"""Sequence models by name: `build_model(ModelConfig("lstm"), vocab, context)`."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal

from torch import nn

from ..utils.config import from_dict
from ..utils.errors import InputError
from . import slots
from .blocks import FFNName, Order
from .decoder import Decoder, PositionName
from .encoder import Encoder, EncoderClassifier, MaskedLM
from .initialise import InitName
from .norms import NormName
from .phases import PHASES
from .recurrent_classifier import RecurrentClassifier
from .recurrent_lm import RecurrentLM
from .transformer import Transformer


__all__ = ["CLASSIFIERS", "MODELS", "ModelConfig", "build_model", "options_of"]

_CELLS = {
    "rnn": "rnn_tanh",
    "rnn_relu": "rnn_relu",
    "lstm": "lstm",
    "gru": "gru",
    "ln_lstm": "ln_lstm",
    "min_gru": "min_gru",
}


def build_slot(vocab: int, context: int, slot: str, options: tuple = ()) -> nn.Module:
    """What `build` of `slots/<slot>.py` makes from its `Config` with `options`."""
    known = sorted(m.name for m in pkgutil.iter_modules(slots.__path__))
    if slot not in known:
        raise InputError(
            f"model.slot = {slot!r}: there is no src/models/slots/{slot}.py; "
            f"there is {', '.join(known) or 'none yet'}"
        )
    module = importlib.import_module(f".slots.{slot}", __name__)
    for part in ("Config", "build"):
        if not hasattr(module, part):
            raise InputError(
                f"{module.__file__} has no {part}; a slot needs a dataclass Config and "
                "build(config, vocab, context), as gated_retention.py has"
            )
    config = from_dict(module.Config, {}, f"model.options of {slot}", options)
    return module.build(config, vocab, context)


MODELS: dict[str, Callable[..., nn.Module]] = {
    **{name: partial(RecurrentLM, cell=cell) for name, cell in _CELLS.items()},
    **{f"gpt_{year}": partial(Decoder, **what) for year, what in PHASES.items()},
    "transformer": Transformer,
    "encoder": MaskedLM,
    "slot": build_slot,
}
CLASSIFIERS: dict[str, Callable[..., nn.Module]] = {
    **{name: partial(RecurrentClassifier, cell=cell) for name, cell in _CELLS.items()},
    "encoder": EncoderClassifier,
}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What is not set, or null, is the default of the model that `name` chooses.

    To set an option that the model does not read is an error.
    """

    name: Literal[
        "rnn",
        "rnn_relu",
        "lstm",
        "gru",
        "ln_lstm",
        "min_gru",
        "gpt_2017",
        "gpt_2019",
        "gpt_2020",
        "gpt_2023",
        "gpt_2025",
        "transformer",
        "encoder",
        "slot",
    ] = "gpt_2020"
    embedding: int | None = None
    """Recurrent: numbers a token."""
    hidden: int | None = None
    """Recurrent: units a layer."""
    d_model: int | None = None
    """Transformers: numbers a token."""
    layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    """Heads of keys and values, a divisor of `heads`."""
    ffn: FFNName | None = None
    ffn_dim: int | None = None
    """Units of the feed-forward part; 4 d_model, or 8/3 d_model for swiglu."""
    positions: PositionName | None = None
    norm: NormName | None = None
    order: Order | None = None
    """Norm before each part (pre) or after it (post)."""
    qk_norm: bool | None = None
    bias: bool | None = None
    tie: bool | None = None
    """The matrix of the logits is that of the embedding."""
    init: InitName | None = None
    window: int | None = None
    """Tokens that a token sees in a layer, itself included."""
    causal: bool | None = None
    """False lets a decoder see the future: only for the lesson of the leak."""
    dropout: float | None = None
    """Share of the numbers dropped in training, from 0 to below 1."""
    locked_dropout: bool | None = None
    """Recurrent: drop the same units at all tokens of a row."""
    bidirectional: bool | None = None
    pool: Literal["mean", "last", "first"] | None = None
    """Classifiers: what the class is read from; last: recurrent, first: encoder."""
    slot: str | None = None
    """The file src/models/slots/<slot>.py, for name = slot."""
    options: tuple[str, ...] | None = None
    """key=value for the `Config` of the slot."""

    def __post_init__(self) -> None:
        known = options_of(self.name)
        for option in self.chosen():
            if option not in known:
                raise ValueError(
                    f"{option} is not an option of {self.name}, "
                    f"which has {', '.join(known)}"
                )
        for option, value in self.chosen().items():
            if type(value) is int and value < 1:
                raise ValueError(f"{option} is {value}; at least 1")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; from 0 to below 1")
        if self.name == "slot" and self.slot is None:
            raise ValueError("slot is not set; the name of a file in src/models/slots")

    def chosen(self) -> dict[str, Any]:
        """What is set, but for the name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v for k, v in values.items() if k != "name" and v is not None}


def options_of(name: str) -> list[str]:
    """The fields of `ModelConfig` that the model reads, as classifier or otherwise."""
    makers = [MODELS[name], *filter(None, [CLASSIFIERS.get(name)])]
    read = set().union(*map(_parameters, makers))
    return [field.name for field in fields(ModelConfig) if field.name in read]


def build_model(
    config: ModelConfig, vocab: int, context: int, classes: int = 0
) -> nn.Module:
    """The model for `vocab` tokens, of which it sees `context`; with `classes` one that
    tells the class of a text.

    InputError if the model cannot be what is asked for.
    """
    makers = CLASSIFIERS if classes else MODELS
    if config.name not in makers:
        raise InputError(
            f"model.name = {config.name} is no classifier; one of {', '.join(makers)}"
        )
    make, options = makers[config.name], config.chosen()
    given = {"context": context} | ({"classes": classes} if classes else {})
    read = _parameters(make)
    for option in options:
        if option not in read:
            what = "a classifier" if classes else "no classifier"
            raise InputError(
                f"model.{option} is not an option of {config.name} where it is {what}"
            )
    given = {name: value for name, value in given.items() if name in read}
    try:
        return make(vocab, **given, **options)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"model.name = {config.name}: {error}") from None


def _parameters(make: Callable) -> set[str]:
    """What it takes; `**options` are those of the encoder inside it."""
    taken = inspect.signature(make).parameters
    plain = {name for name, p in taken.items() if p.kind is not p.VAR_KEYWORD}
    if len(plain) < len(taken):
        plain |= _parameters(Encoder)
    return plain
