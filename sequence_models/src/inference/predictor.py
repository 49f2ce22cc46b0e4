"""A trained model with its tokenizer, and the texts that a person gives it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..data import TextInfo
from ..tokenizers import Tokenizer
from ..training.load import Loaded, load_model
from ..training.task import Config
from ..utils.errors import InputError


@dataclass(frozen=True, slots=True)
class Predictor:
    model: nn.Module
    """In evaluation mode, on `device`."""
    config: Config
    info: TextInfo
    tokenizer: Tokenizer
    loaded: Loaded
    device: torch.device = torch.device("cpu")

    @property
    def kind(self) -> str:
        """The task: lm, answer, pairs, mlm or classify."""
        return self.config.task

    def special(self, name: str) -> int | None:
        return self.tokenizer.specials.get(name)

    @property
    def beginning(self) -> list[int]:
        """What a text without a prompt begins with: BOS, else a new line, else id 0."""
        bos = self.special("<|bos|>")
        if bos is not None:
            return [bos]
        try:
            return self.tokenizer.encode("\n")[:1] or [0]
        except InputError:  # a vocabulary of characters that has no line end
            return [0]

    @property
    def ends(self) -> set[int]:
        """The tokens that end a text: EOS, and BOS, which begins the next document."""
        names = ("<|eos|>", "<|bos|>")
        return {n for n in map(self.special, names) if n is not None}

    def tensor(self, ids: list[int]) -> Tensor:
        return torch.tensor(ids, dtype=torch.long, device=self.device)

    def padded(self, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Rows of ids side by side, and where they are real; none may be empty."""
        longest = max(map(len, rows))
        pad = self.special("<|pad|>") or 0
        tokens = self.tensor([row + [pad] * (longest - len(row)) for row in rows])
        lengths = self.tensor([len(row) for row in rows])
        return tokens, torch.arange(longest, device=self.device) < lengths[:, None]

    def text(self, ids: list[int]) -> str:
        """The text of `ids`, the special tokens left out."""
        special = set(self.tokenizer.specials.values())
        return self.tokenizer.decode([one for one in ids if one not in special])


def load_predictor(
    checkpoint: Path | str, device: torch.device | str = "cpu"
) -> Predictor:
    """The model of `checkpoint`, ready to use; raises InputError."""
    device = torch.device(device)
    loaded = load_model(checkpoint, device)
    return Predictor(
        loaded.model, loaded.config, loaded.info, loaded.tokenizer, loaded, device
    )
