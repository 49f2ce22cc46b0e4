"""From a config to data sets, tokenizer and front end."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import Dataset

from ..audio.front_end import FeatureConfig, FrontEnd
from ..tokenizers import Tokenizer, TokenizerConfig, build_tokenizer
from ..utils.errors import InputError
from ..utils.logging import log
from .config import DataConfig, check_fits
from .dataset import SpeechDataset
from .espeak import DIGITS, EspeakMaker, espeak_utterances
from .filters import (
    Dropped,
    without_copies,
    without_empty,
    without_unheard,
    without_unwritten,
)
from .recordings import Recordings
from .sources import FROM_FILES, leave_out, load_utterances
from .toy_patterns import ToySeq2Seq, alphabet, toy_texts
from .toy_tones import ToneMaker, tone_utterances
from .utterance import SPLITS, Splits


Trained = tuple[Tokenizer, FrontEnd]
"""How a model that is there already writes and hears."""
FITTED = 2000
"""Recordings, evenly over the training part, that the global cmvn is measured on."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a model is trained on and what it needs of it later."""

    datasets: dict[str, Dataset]
    """ "train", "val" and, where there is one, "test"."""
    tokenizer: Tokenizer
    front_end: FrontEnd
    title: str
    """A line for people."""
    fingerprint: str
    """Sha256 over names, texts and lengths of all samples."""
    dropped: Dropped = field(default_factory=Dropped)
    """What was left out, and why."""
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the checkpoint."""
        return {
            "tokenizer": self.tokenizer.to_dict(),
            "front_end": self.front_end.to_dict(),
            "fingerprint": self.fingerprint,
        }


class Sifted(NamedTuple):
    """Utterances that are fit to be used, and what came of looking at them."""

    splits: Splits
    recordings: Recordings
    tokenizer: Tokenizer
    front_end: FrontEnd
    dropped: Dropped


def open_data(
    config: DataConfig,
    features: FeatureConfig,
    tokenizer: TokenizerConfig,
    seed: int,
    trained: Trained | None = None,
) -> Opened:
    """The splits of `config`, heard and written as a model was `trained` to, or anew.

    Raises InputError for data that is not here, cannot be read or does not fit. Warns
    of what is left out.
    """
    opened = read_data(config, features, tokenizer, seed, trained)
    for warning in opened.warnings:
        log.warning(warning)
    return opened


def read_data(
    config: DataConfig,
    features: FeatureConfig,
    tokenizer: TokenizerConfig,
    seed: int,
    trained: Trained | None = None,
) -> Opened:
    """The same; the warnings are only in the result."""
    check_fits(config)
    if config.name == "toy_seq2seq":
        return _open_toy(config, features, tokenizer, seed, trained)
    sifted = sift(config, features, tokenizer, seed, trained)
    splits, recordings, written, front_end, dropped = sifted
    warnings = [dropped.table()] if dropped.count() else []
    warnings += [
        f"{count:,} files of {rate} Hz are resampled to features.sample_rate = "
        f"{features.sample_rate}"
        for rate, count in recordings.resampled.items()
    ]
    datasets = {
        split: SpeechDataset(
            utterances, split, recordings, front_end, written, config, seed
        )
        for split, utterances in splits.items()
    }
    return Opened(
        datasets,
        written,
        front_end,
        _title(config, datasets, sifted),
        _fingerprint(datasets),
        dropped,
        tuple(warnings),
    )


def sift(
    config: DataConfig,
    features: FeatureConfig,
    tokenizer: TokenizerConfig,
    seed: int,
    trained: Trained | None = None,
) -> Sifted:
    """Everything listed, without what the filters leave out.

    Raises InputError where a part has nothing left.
    """
    make = {
        "toy_tones": ToneMaker(config.toy, seed),
        "espeak": EspeakMaker(config.espeak, seed),
    }.get(config.name)
    recordings = Recordings(features.sample_rate, config.memory_mb << 20, make)
    splits, dropped = _listed(config, seed), Dropped()
    rules = trained[0].rules if trained else tokenizer.normalise
    splits = without_empty(splits, dropped, rules)
    splits = without_unheard(splits, dropped, recordings, config)
    if config.name in FROM_FILES:
        splits = without_copies(splits, dropped, recordings)
    _refuse_empty(splits, dropped)
    if trained is None:
        texts = [u.text for u in splits["train"]]
        if config.joined:  # what stands between recordings is of the text too
            texts.append(" ".join(texts[:2]))
        written = build_tokenizer(tokenizer, texts + _all_words(config))
        front_end = _fit(features, splits, recordings)
    else:
        written, front_end = trained
    splits = without_unwritten(splits, dropped, recordings, config, written, front_end)
    _refuse_empty(splits, dropped)
    return Sifted(splits, recordings, written, front_end, dropped)


def _listed(config: DataConfig, seed: int) -> Splits:
    if config.name in FROM_FILES:
        return load_utterances(config, seed)
    if config.name == "toy_tones":
        return tone_utterances(config.toy, seed)
    splits = espeak_utterances(config.espeak, config.root, seed)
    speaker = config.leave_out_speaker
    return leave_out(splits, speaker) if speaker else splits


def _all_words(config: DataConfig) -> list[str]:
    """What made-up speech can say, whatever of it few training samples do say."""
    if config.name == "espeak" and not config.root:
        return [" ".join(DIGITS)]
    return [alphabet(config.toy)] if config.name == "toy_tones" else []


def _fit(features: FeatureConfig, splits: Splits, recordings: Recordings) -> FrontEnd:
    if features.cmvn != "global":
        return FrontEnd(features)
    train = splits["train"]
    places = np.linspace(0, len(train) - 1, min(len(train), FITTED)).astype(int)
    try:
        return FrontEnd.fitted(features, (recordings[train[i]] for i in places))
    except ValueError as error:
        raise InputError(
            f"features.cmvn = global cannot be measured: {error}"
        ) from None


def _refuse_empty(splits: Splits, dropped: Dropped) -> None:
    for split, utterances in splits.items():
        if not utterances:
            why = dropped.sentence(split) or "its list is empty"
            raise InputError(f"the part {split} has no recording left: {why}")


def _fingerprint(datasets: dict[str, SpeechDataset]) -> str:
    digest = hashlib.sha256()
    for split, data in datasets.items():
        for u, samples in zip(data.utterances, data.samples.tolist(), strict=True):
            line = repr((split, u.id, u.text, u.speaker, samples)) + "\n"
            digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _title(
    config: DataConfig, datasets: dict[str, SpeechDataset], sifted: Sifted
) -> str:
    rate = sifted.recordings.sample_rate
    counts = " / ".join(f"{len(data):,} {name}" for name, data in datasets.items())
    minutes = sum(int(d.samples.sum()) for d in datasets.values()) / rate / 60
    what = "strings" if config.joined else "recordings"
    written = sifted.tokenizer
    return (
        f"{config.name} {counts} {what}, {minutes:.1f} min · {written.kind}, "
        f"{written.vocab_size} tokens"
    )


def _open_toy(
    config: DataConfig,
    features: FeatureConfig,
    tokenizer: TokenizerConfig,
    seed: int,
    trained: Trained | None,
) -> Opened:
    if trained is None:
        texts = [*toy_texts(config.toy, "train", seed), alphabet(config.toy)]
        ones = [1.0] * features.coefficients
        front_end = FrontEnd(features, [0.0] * features.coefficients, ones)
        trained = build_tokenizer(tokenizer, texts), front_end
    datasets = {
        split: ToySeq2Seq(config.toy, split, seed, trained[0], features.dim)
        for split in SPLITS
    }
    digest = hashlib.sha256(repr((seed, config.toy, features.dim)).encode())
    counts = " / ".join(f"{len(data):,} {name}" for name, data in datasets.items())
    title = f"{config.name} {counts} samples · {trained[0].vocab_size} tokens"
    return Opened(datasets, *trained, title, digest.hexdigest())
