"""The utterances of a config, split: from files, or made up."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from ..utils.errors import InputError
from .config import DataConfig
from .kaldi import read_kaldi
from .librispeech import read_librispeech
from .manifest import read_manifest
from .utterance import SPLITS, Splits, Utterance


FROM_FILES = {
    "manifest": ("train.jsonl", "val.jsonl", "test.jsonl"),
    "kaldi": ("train", "dev", "test"),
    "librispeech": ("train-clean-100", "dev-clean", "test-clean"),
}
"""Names of the three parts where a config gives none."""


def load_utterances(config: DataConfig, seed: int) -> Splits:
    """The splits that the files of `config` list; no sound is read.

    Raises InputError for files that are not there or not of their form.
    """
    root = Path(config.root)
    if config.root == "" or not root.is_dir():
        raise InputError(
            f"data.root = {config.root!r} is no folder: data.name = {config.name} "
            "needs the folder of the recordings; set data.root=PATH"
        )
    splits: Splits = {}
    for split, usual in zip(SPLITS, FROM_FILES[config.name], strict=True):
        given = getattr(config, split)
        if given or split == "train" or _is_there(config, root, usual):
            splits[split] = _READERS[config.name](root, given or usual)
    if config.leave_out_speaker:
        splits = leave_out(splits, config.leave_out_speaker)
    if "val" not in splits:
        splits = hold_out(splits, config.val_share, seed)
    return {split: splits[split] for split in SPLITS if split in splits}


def leave_out(splits: Splits, speaker: str) -> Splits:
    """Test on this speaker alone, train and validate on the others.

    Where the test part has nothing of the speaker, all other recordings are the test.
    """
    whole = [u for utterances in splits.values() for u in utterances]
    theirs = [u for u in whole if u.speaker == speaker]
    if not theirs:
        known = sorted({u.speaker for u in whole})
        raise InputError(
            f"data.leave_out_speaker = {speaker}: no recording is of that speaker; "
            f"there are {', '.join(known[:20]) or 'none'}"
        )
    kept = {
        split: [u for u in utterances if u.speaker != speaker]
        for split, utterances in splits.items()
    }
    own = [u for u in splits.get("test", []) if u.speaker == speaker]
    return kept | {"test": own or theirs}


def hold_out(splits: Splits, share: float, seed: int) -> Splits:
    """Take a share of "train" as "val", by a hash of seed and id.

    Whether a recording is held out does not depend on the others; at least one is.
    """
    draws = [_draw(u.id, seed) for u in splits["train"]]
    held = {i for i, draw in enumerate(draws) if draw < share}
    if len(draws) < 2:
        raise InputError(
            f"{len(draws)} recordings to train on: two are needed, one of them to "
            "validate on. Give more, or a part data.val"
        )
    if not held:
        held = {min(range(len(draws)), key=draws.__getitem__)}
    if len(held) == len(draws):
        held.discard(max(range(len(draws)), key=draws.__getitem__))
    train = [u for i, u in enumerate(splits["train"]) if i not in held]
    val = [u for i, u in enumerate(splits["train"]) if i in held]
    return splits | {"train": train, "val": val}


def _draw(name: str, seed: int) -> float:
    """Even in [0, 1)."""
    digest = hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _is_there(config: DataConfig, root: Path, name: str) -> bool:
    if config.name == "librispeech":
        return any((folder / name).is_dir() for folder in (root, root / "LibriSpeech"))
    return (root / name).exists()


def _manifest(root: Path, name: str) -> list[Utterance]:
    return read_manifest(root / name)


def _kaldi(root: Path, name: str) -> list[Utterance]:
    return read_kaldi(root / name)


_READERS: dict[str, Callable[[Path, str], list[Utterance]]] = {
    "manifest": _manifest,
    "kaldi": _kaldi,
    "librispeech": read_librispeech,
}
