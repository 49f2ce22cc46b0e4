"""From a config to data sets, tokenizer and front end."""

from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from ..audio.front_end import FrontEnd
from ..tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class Opened:
    """What a model is trained on and what it needs of it later."""

    datasets: dict[str, Dataset]
    tokenizer: Tokenizer
    front_end: FrontEnd
    title: str
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the checkpoint."""
        return {
            "tokenizer": self.tokenizer.to_dict(),
            "front_end": self.front_end.to_dict(),
            "fingerprint": self.fingerprint,
        }
