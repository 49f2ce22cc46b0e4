"""From a config to data sets, tokenizer and front end."""

import hashlib
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from ..audio.front_end import FeatureConfig, FrontEnd
from ..tokenizers import Tokenizer, TokenizerConfig, build_tokenizer
from .config import DataConfig
from .toy_seq2seq import SPLITS, ToySeq2Seq, toy_texts


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
    """Sha256 over texts and lengths of all samples."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the checkpoint."""
        return {
            "tokenizer": self.tokenizer.to_dict(),
            "front_end": self.front_end.to_dict(),
            "fingerprint": self.fingerprint,
        }


def open_data(
    config: DataConfig,
    features: FeatureConfig,
    tokenizer: TokenizerConfig,
    seed: int,
    trained: tuple[Tokenizer, FrontEnd] | None = None,
) -> Opened:
    """The splits of `config`, heard and written as a model was `trained` to, or anew.

    Raises InputError for data that is not here, cannot be read or does not fit.
    """
    return _open_toy(config, features, tokenizer, seed, trained)


def _open_toy(
    config: DataConfig,
    features: FeatureConfig,
    tokenizer: TokenizerConfig,
    seed: int,
    trained: tuple[Tokenizer, FrontEnd] | None,
) -> Opened:
    if trained is None:
        texts = toy_texts(config.toy, "train", seed)
        made = build_tokenizer(tokenizer, texts)
        ones = [1.0] * features.coefficients
        trained = made, FrontEnd(features, [0.0] * features.coefficients, ones)
    datasets = {
        split: ToySeq2Seq(config.toy, split, seed, trained[0], features.dim)
        for split in SPLITS
    }
    digest = hashlib.sha256(repr((seed, config.toy, features.dim)).encode())
    counts = " / ".join(f"{len(data):,} {name}" for name, data in datasets.items())
    title = f"{config.name} {counts} samples · {trained[0].vocab_size} tokens"
    return Opened(datasets, *trained, title, digest.hexdigest())
