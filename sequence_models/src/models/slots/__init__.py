"""The open slot: a file here joins the bench by its name.

`NAME.py` has a dataclass `Config` and `build(config, vocab, context)`, which gives a
causal language model: `forward(tokens, memory=None, *, document=None)` returns logits
and the memory, `new_memory(batch, length)` what nothing has been read into yet. See
`gated_retention.py`. With `model: {name: slot, slot: NAME}` it is trained, evaluated,
sampled from and compared like any other.
"""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from ...utils.config import from_dict
from ...utils.errors import InputError


def slot_names() -> list[str]:
    """The files that are here."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(file.stem for file in files if not file.stem.startswith("_"))


def slot_options(name: str) -> list[str]:
    """The names of the fields of a slot's `Config`."""
    return [field.name for field in dataclasses.fields(_load(name).Config)]


def build_slot(
    name: str, options: dict[str, Any], vocab: int, context: int
) -> nn.Module:
    """The model of `slots/NAME.py`; what `options` leaves out is its Config's default.

    Raises InputError for an unknown name, option or value.
    """
    module = _load(name)
    config = from_dict(module.Config, options, f"slot {name}")
    return module.build(config, vocab, context)


def _load(name: str) -> ModuleType:
    if name not in slot_names():
        raise InputError(
            f"model.slot = {name!r}: there is no src/models/slots/{name}.py. "
            f"There are: {', '.join(slot_names())}"
        )
    module = importlib.import_module(f".{name}", __name__)
    for needed in ("Config", "build"):
        if not hasattr(module, needed):
            raise InputError(
                f"src/models/slots/{name}.py has no `{needed}`: a slot is a dataclass "
                "Config and a function build(config, vocab, context)"
            )
    return module
