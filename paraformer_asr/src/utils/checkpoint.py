# pattern: utils/checkpoint.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/checkpoint.py --from <sub-project>
"""Checkpoints that are whole, plain and harmless, or refused in one sentence.

A checkpoint is a dict of tensors and plain values, written by `torch.save` into memory
and then to disk in one atomic step. `torch.load` never verifies the CRC of its zip
entries, so a flipped bit loads silently: `load_checkpoint` verifies them, and refuses
compressed entries (a small file that inflates to gigabytes) and anything that is not
data.
"""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .atomic import write_atomically
from .errors import InputError


SCHEMA = 1
# local: begin
PROJECT = "paraformer_asr"
# local: end
_KEYS: dict[str, dict[str, type]] = {
    "weights": {"kind": str, "config": dict, "data": dict, "model": dict}
}
_KEYS["training"] = _KEYS["weights"] | {
    "weights": dict, "optimizer": dict, "scaler": dict, "progress": dict, "rng": list
}  # fmt: skip


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` whole or not at all; raises FaultError when the disk is full.

    Adds schema and project. Raises TypeError if a value is not a tensor or plain: a
    numpy float would save well and be refused by the resume, days later.
    """
    content = {"schema": SCHEMA, "project": PROJECT, **content}
    buffer = io.BytesIO()
    torch.save(_plain(content, "checkpoint"), buffer)
    write_atomically(path, buffer.getbuffer())


def load_checkpoint(path: Path, kind: str | None = None) -> dict[str, Any]:
    """The content of a checkpoint; raises InputError, one sentence, for any other file.

    `kind` "training" asks for one that can be resumed.
    """
    path = Path(path)
    _check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} holds {_foreign_objects(path)}, not only data: refused. It did "
            "not run. Get the file from someone you trust."
        ) from None
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}). {_REMEDY}"
        ) from None
    return _check_content(path, content, kind)


def load_weights(
    model: torch.nn.Module, weights: dict[str, Tensor], path: Path
) -> None:
    """Load a state dict; raises InputError for the first tensor that does not fit."""
    own = model.state_dict()
    for name in [*own, *weights]:
        if name not in weights or name not in own:
            which = "lacks" if name not in weights else "has the unknown"
            raise InputError(
                f"{path} {which} tensor {name}: it belongs to another model. "
                "Leave out overrides to use the checkpoint's own configuration."
            )
        if _kind(own[name]) != _kind(weights[name]):
            raise InputError(
                f"{path}: {name} is {_kind(weights[name])}, the model here has "
                f"{_kind(own[name])}. Use the checkpoint's own configuration."
            )
    model.load_state_dict(weights)


def _kind(value: Any) -> str:
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_meta:
        return f"a {type(value).__name__} of another kind"
    return f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"


_REMEDY = (
    "Use another checkpoint of that run (last.pt, last-1.pt, best.pt), or train again."
)


def _check_archive(path: Path) -> None:
    if path.is_dir():
        raise InputError(
            f"{path} is a folder; name a file, such as {path}/checkpoints/best.pt"
        )
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint. {_whats_there(path)}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if not head.startswith(b"PK"):
        raise InputError(f"{path} is not a checkpoint: {_what_it_is(head)}. {_REMEDY}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise InputError(
                    f"{path} is a compressed archive, no checkpoint: refused."
                )
            if sum(entry.file_size for entry in entries) > path.stat().st_size:
                raise InputError(f"{path} claims to hold more than its size: refused.")
            damaged = archive.testzip()
    except InputError:
        raise
    except Exception:  # zipfile raises eight kinds of errors for damaged archives
        raise InputError(f"{path} is damaged or cut short. {_REMEDY}") from None
    if damaged:
        raise InputError(
            f"{path} is damaged (checksum of {damaged} differs). {_REMEDY}"
        )


def _foreign_objects(path: Path) -> str:
    try:
        names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # a pickle that is broken as well
        names = []
    return ", ".join(names[:5]) or "objects"


def _what_it_is(head: bytes) -> str:
    if not head:
        return "the file is empty"
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer; run `git lfs pull`"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "it is a safetensors file, which holds no configuration"
    if head.startswith(b"\x80"):
        return "it is a bare pickle, which could run code; it was not opened"
    if head.lstrip()[:1] == b"<":
        return "it is a web page; the download went wrong"
    return "it is text" if head.isascii() else "the format is unknown"


def _check_content(path: Path, content: Any, kind: str | None) -> dict[str, Any]:
    if not isinstance(content, dict) or not {"schema", "project"} <= content.keys():
        raise InputError(f"{path} was not written by {PROJECT}: its keys are missing.")
    if content["project"] != PROJECT:
        raise InputError(f"{path} was made by {content['project']}; this is {PROJECT}.")
    if type(content["schema"]) is not int or content["schema"] != SCHEMA:
        raise InputError(
            f"{path} has schema {content['schema']}, this version reads {SCHEMA}. "
            "Update the code, or train again."
        )
    needed = _KEYS["training" if content.get("kind") == "training" else "weights"]
    for key, types in needed.items():
        if not isinstance(content.get(key), types):
            what = "is of the wrong type" if key in content else "is missing"
            raise InputError(f"{path} is no whole checkpoint: {key} {what}. {_REMEDY}")
    if kind and content["kind"] != kind:
        raise InputError(
            f"{path} holds {content['kind']} only and cannot be resumed. "
            f"Resume from {path.with_name('last.pt')}"
        )
    return content


def _whats_there(path: Path) -> str:
    if path.is_relative_to("runs/latest") and not Path("runs/latest").exists():
        return "No run has been made in runs/ yet: python scripts/train.py --config ..."
    names = sorted(p.name for p in path.parent.glob("*.pt"))
    return f"{path.parent}/ has: {', '.join(names) or 'no checkpoints'}"


def _plain(value: Any, where: str) -> Any:
    """`value`, with a copy for each view: all of its tensor would be saved."""
    if isinstance(value, Tensor):
        used = value.numel() * value.element_size()
        return value.clone() if value.untyped_storage().nbytes() > used else value
    if isinstance(value, dict):
        return {
            _plain(key, where): _plain(inner, f"{where}[{key!r}]")
            for key, inner in value.items()
        }
    if type(value) in (list, tuple):
        return type(value)(_plain(v, f"{where}[{i}]") for i, v in enumerate(value))
    if type(value) in (str, int, float, bool, type(None)):
        return value
    raise TypeError(f"{where} is a {type(value).__name__}; save plain values only")
