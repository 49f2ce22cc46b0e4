"""Loss and metrics of the four things that are trained here.

The trainer knows a task by `loss`, `evaluate` and `metrics`. Metrics are sums over
tokens or texts first and ratios last, so that batches of any size add up.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..losses import NOT_SCORED, LossConfig, token_loss
from ..metrics.classification import accuracy, confusion_matrix, macro_f1
from ..metrics.language import bits_per_byte, perplexity


Batch = dict[str, Any]
Sums = dict[str, Tensor]


class TokenTask:
    """Predict tokens: the next one (lm), the answer's (pairs), the masked (mlm)."""

    names = ["loss", "accuracy", "perplexity"]

    def __init__(self, config: LossConfig):
        self.smoothing = config.label_smoothing
        self.carried: dict[str, Any] = {}
        """The memory of a recurrent network, taken from batch to batch."""

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        raise NotImplementedError

    def loss(self, model: nn.Module, batch: Batch, progress: float) -> Tensor:
        return token_loss(self.logits(model, batch), batch["targets"], self.smoothing)

    def evaluate(self, model: nn.Module, batch: Batch) -> Sums:
        """Sums over scored tokens: nats, their number, right guesses, whole rows."""
        logits, targets = self.logits(model, batch).float(), batch["targets"]
        scored = targets != NOT_SCORED
        nats = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
        right = (logits.argmax(-1) == targets) & scored
        return {
            "nats": nats.double(),
            "tokens": scored.sum(),
            "right": right.sum(),
            "rows": scored.any(1).sum(),
            "rows_right": ((right | ~scored).all(1) & scored.any(1)).sum(),
        }

    def metrics(self, sums: Sums) -> dict[str, float]:
        values = self.values(sums, {name: value.item() for name, value in sums.items()})
        return {name: values[name] for name in self.names}

    def values(self, sums: Sums, counts: dict[str, float]) -> dict[str, float]:
        tokens = max(counts["tokens"], 1)
        loss = counts["nats"] / tokens
        return {
            "loss": loss,
            "accuracy": counts["right"] / tokens,
            "perplexity": perplexity(counts["nats"], tokens),
            "exact": counts["rows_right"] / max(counts["rows"], 1),
        }


class LanguageTask(TokenTask):
    """Next token after each token, in bits per byte whatever the tokens are."""

    names = ["loss", "bpb", "accuracy", "perplexity"]

    def __init__(self, config: LossConfig, byte_lengths: Tensor):
        """`byte_lengths`: how many bytes of text each token id stands for."""
        super().__init__(config)
        self.byte_lengths = byte_lengths

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """Of a batch that continues the one before, with the memory left by that."""
        goes_on = "first" in batch and torch.is_grad_enabled()
        memory = self.carried.get("memory") if goes_on else None
        if goes_on and batch["first"].any():
            memory = None
        document = {"document": batch["document"]} if "document" in batch else {}
        logits, memory = model(batch["tokens"], memory, **document)
        if goes_on and memory is not None:
            self.carried["memory"] = tuple(part.detach() for part in memory)
        return logits

    def evaluate(self, model: nn.Module, batch: Batch) -> Sums:
        scored = batch["targets"][batch["targets"] != NOT_SCORED]
        lengths = self.byte_lengths.to(scored.device)
        return super().evaluate(model, batch) | {"bytes": lengths[scored].sum()}

    def values(self, sums: Sums, counts: dict[str, float]) -> dict[str, float]:
        bpb = bits_per_byte(counts["nats"], counts["bytes"])
        return super().values(sums, counts) | {"bpb": bpb}


class AnswerTask(LanguageTask):
    """A decoder that reads a question and writes the answer: only that is scored."""

    names = ["loss", "accuracy", "exact"]


class PairsTask(TokenTask):
    """An encoder reads the source, a decoder writes the answer."""

    names = ["loss", "accuracy", "exact"]

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        return model(batch["source"], batch["source_mask"], batch["tokens"])


class MaskedTask(TokenTask):
    """The words that were taken out (Devlin et al. 2019, section 3.1)."""

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        return model(batch["tokens"], batch["pad_mask"])


class ClassifyTask:
    """One class for each text."""

    names = ["loss", "accuracy", "macro_f1"]

    def __init__(self, config: LossConfig, classes: int):
        self.smoothing, self.classes = config.label_smoothing, classes

    def loss(self, model: nn.Module, batch: Batch, progress: float) -> Tensor:
        logits = model(batch["tokens"], batch["pad_mask"])
        return F.cross_entropy(logits, batch["target"], label_smoothing=self.smoothing)

    def evaluate(self, model: nn.Module, batch: Batch) -> Sums:
        """Sums over the texts: nats, their number, the confusion matrix."""
        logits = model(batch["tokens"], batch["pad_mask"]).float()
        nats = F.cross_entropy(logits, batch["target"], reduction="sum")
        guess = logits.argmax(1)
        return {
            "nats": nats.double(),
            "texts": torch.tensor(len(logits)),
            "confusion": confusion_matrix(guess, batch["target"], self.classes),
        }

    def metrics(self, sums: Sums) -> dict[str, float]:
        confusion = sums["confusion"].long()
        return {
            "loss": (sums["nats"] / sums["texts"]).item(),
            "accuracy": accuracy(confusion),
            "macro_f1": macro_f1(confusion),
        }
