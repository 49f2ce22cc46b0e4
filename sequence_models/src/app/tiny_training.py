"""Recurrent networks so small that they learn while a visitor waits."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..data.stories import write_stories, write_story
from ..data.windows import RandomWindows
from ..models.recurrent_lm import RecurrentLM
from ..tokenizers import TokenizerConfig, build_tokenizer
from ..utils.errors import InputError


CELLS = {
    "lstm": "LSTM",
    "gru": "GRU",
    "ln_lstm": "layer-norm LSTM",
    "min_gru": "minGRU",
}
STEPS = (0, 10, 30, 100, 200, 300)
"""Steps after which the weights are kept."""
STORIES, BATCH, BLOCK, LR, CLIP = 200, 16, 64, 2e-2, 1.0
SIZES = {"embedding": 32, "hidden": 64, "layers": 1}
PER_FRAME = 2
SEED = 0
NATS = 0.6931471805599453
"""In a bit."""


class TinyTraining:
    """Weights are kept by cell and step; whoever trains a cell gets the same ones."""

    def __init__(self) -> None:
        text = write_stories(SEED, STORIES)
        self.tokenizer = build_tokenizer(TokenizerConfig(kind="char"), text, ())
        ids = self.tokenizer.encode_array(text)
        self.windows = RandomWindows(ids, BLOCK, BATCH * STEPS[-1], SEED)
        self._kept: dict[tuple[str, int], dict[str, Any]] = {}

    def sample(self, longest: int) -> str:
        """Whole sentences of a story that is not trained on."""
        story = write_story(SEED, 1, 0)[:longest]
        return story[: story.rfind(".") + 1]

    def model(self, cell: str, steps: int) -> nn.Module:
        """The network as it was after so many steps; raises InputError."""
        if steps == 0:
            return _begin(self.tokenizer.vocab_size, cell)
        if (cell, steps) not in self._kept:
            known = [n for n in STEPS if n == 0 or (cell, n) in self._kept]
            raise InputError(
                f"steps = {steps}: this network was kept after {known} steps; train it "
                "first"
            )
        model = _begin(self.tokenizer.vocab_size, cell)
        model.load_state_dict(self._kept[cell, steps])
        return model.eval()

    def run(self, cell: str) -> Iterator[dict[str, Any]]:
        """Train from the beginning; a frame is a few steps and says which are kept."""
        model = _begin(self.tokenizer.vocab_size, cell)
        optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0)
        for step in range(1, STEPS[-1] + 1):
            loss = self._step(model, optimizer, step - 1)
            if step in STEPS:
                weights = model.state_dict().items()
                self._kept[cell, step] = {name: one.clone() for name, one in weights}
            if step % PER_FRAME == 0:
                yield {
                    "step": step,
                    "of": STEPS[-1],
                    "bits": loss / NATS,
                    "kept": [n for n in STEPS if n <= step],
                }

    def _step(self, model: nn.Module, optimizer: Any, step: int) -> float:
        keys = [(0, step * BATCH + row) for row in range(BATCH)]
        batch = self.windows.__getitems__(keys)
        logits, _ = model(batch["tokens"])
        loss = F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return loss.item()


def _begin(vocab: int, cell: str) -> RecurrentLM:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return RecurrentLM(vocab, cell, **SIZES)
