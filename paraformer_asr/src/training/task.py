"""What is trained here: models that hear features and write tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from ..audio.front_end import FeatureConfig
from ..data import DataConfig, Opened, open_data
from ..decoding.autoregressive import ar_greedy
from ..decoding.ctc_search import ctc_greedy
from ..decoding.greedy import nar_greedy
from ..losses import LossConfig, ctc_loss, mwer_loss, quantity_loss
from ..metrics.edit_distance import edit_distance
from ..models import ModelConfig, build_model
from ..models.ar_model import with_end
from ..tokenizers import TokenizerConfig
from ..utils.errors import InputError
from ..utils.lengths import length_mask
from ..utils.logging import log
from .optim import OptimConfig
from .pictures import draw_predictions
from .progress import TrainConfig


__all__ = ["Config", "Setup", "build", "draw_predictions", "make_model"]

NOT_SCORED = -100


@dataclass(frozen=True, slots=True)
class Config:
    seed: int = 0
    """Of the weights, the order, the augmentation, the held-out part and the toys."""
    debug: bool = False
    """Print activations and gradients of the first batch; stop where a NaN is made."""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    data: DataConfig = field(default_factory=DataConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self):
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed = {self.seed}: must be between 0 and {2**32 - 1}")
        fires = self.model.name == "paraformer"
        if fires and self.model.predictor == "ctc" and not self.loss.ctc:
            raise ValueError(
                "loss.ctc = 0: model.predictor = ctc counts tokens by the CTC head, "
                "which learns from this loss alone; choose a share above 0"
            )
        if self.loss.mwer and not fires:
            raise ValueError(
                f"loss.mwer = {self.loss.mwer}: is for model.name = paraformer alone"
            )


class SpeechTask:
    """Cross entropy of the tokens, their number, CTC; judged by edit distance."""

    names = ("loss", "ter", "exact", "count_error")
    """Of the numbers that `metrics` gives."""

    def __init__(self, config: LossConfig, model: ModelConfig):
        self.config, self.model = config, model

    def loss(
        self, model: nn.Module, batch: Mapping[str, Any], progress: float
    ) -> Tensor:
        """(1 - w) L_CE + w L_CTC + q L_quantity + m L_MWER, each from its time on.

        Each is a mean over the utterances, so that accumulated batches and several
        processes have the gradient of one big batch.
        """
        config, kind = self.config, self.model.name
        heard = (batch["features"], batch["feature_lengths"])
        said = (batch["tokens"], batch["token_lengths"])
        if kind == "ctc":
            output = model(*heard)
            return self._mean_ctc(output, batch)
        if kind == "transformer":
            output, targets = model(*heard, *said), self._with_end(batch)
        else:
            output, targets = model(*heard, *said, self.model.glance), _targets(batch)
        weight = self._ctc_weight(progress)
        loss = (1 - weight) * _cross_entropy(
            output.logits, targets, config.label_smoothing
        )
        if weight:
            loss = loss + weight * self._mean_ctc(output, batch)
        else:  # every parameter has a gradient, which DDP waits for
            loss = loss + 0.0 * output.ctc_logits.sum()
        if kind == "paraformer":
            loss = loss + config.quantity * quantity_loss(output.counts, said[1])
            if config.mwer and progress >= config.mwer_from:
                loss = loss + config.mwer * mwer_loss(output.logits, *said)
        return loss

    def evaluate(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Sums: cross entropy at the true tokens, errors of what is heard, counts."""
        heard = (batch["features"], batch["feature_lengths"])
        said = (batch["tokens"], batch["token_lengths"])
        found = self.transcribe(model, batch)
        references = [row[:n].tolist() for row, n in zip(*said, strict=True)]
        pairs = list(zip(references, found, strict=True))
        errors = [edit_distance(true, tokens) for true, tokens in pairs]
        miscount = sum(abs(len(tokens) - len(true)) for true, tokens in pairs)
        return {
            "loss": self._scored_loss(model, batch, heard, said),
            "tokens": said[1].sum(),
            "errors": torch.tensor(sum(errors)),
            "exact": torch.tensor(sum(e == 0 for e in errors)),
            "count_error": torch.tensor(miscount),
            "utterances": torch.tensor(len(references)),
        }

    def transcribe(self, model: nn.Module, batch: Mapping[str, Any]) -> list[list[int]]:
        """The tokens that the model hears in each utterance, greedily."""
        heard = (batch["features"], batch["feature_lengths"])
        if self.model.name == "paraformer":
            recognition = model.recognise(*heard)
            found = nar_greedy(recognition.logits, recognition.lengths)
        elif self.model.name == "ctc":
            output = model(*heard)
            log_probs = output.ctc_logits.log_softmax(-1)
            found = ctc_greedy(log_probs, output.time_lengths)
        else:
            encoded = model.encode(*heard)
            found = ar_greedy(model.decoder, encoded.hidden, encoded.lengths)
        return [hypothesis.tokens for hypothesis in found]

    def metrics(self, sums: Mapping[str, Tensor]) -> dict[str, float]:
        """Loss a token; `ter`: errors a true token; `exact`: utterances without one;
        `count_error`: tokens too many or too few, a true token."""
        tokens = max(1, int(sums["tokens"]))
        return {
            "loss": float(sums["loss"]) / tokens,
            "ter": int(sums["errors"]) / tokens,
            "exact": int(sums["exact"]) / max(1, int(sums["utterances"])),
            "count_error": int(sums["count_error"]) / tokens,
        }

    def _scored_loss(self, model, batch, heard, said) -> Tensor:
        """Sum over the tokens, without smoothing and glancing."""
        if self.model.name == "ctc":
            output = model(*heard)
            return self._ctc(output, batch).sum()
        with_end = self.model.name == "transformer"
        targets = self._with_end(batch) if with_end else _targets(batch)
        logits = model(*heard, *said).logits
        return F.cross_entropy(
            logits.transpose(1, 2), targets, ignore_index=NOT_SCORED, reduction="sum"
        )

    def _ctc(self, output, batch: Mapping[str, Any]) -> Tensor:
        """Nats of each utterance; 0 for one too short for its tokens."""
        log_probs = output.ctc_logits.log_softmax(-1)
        said = (batch["tokens"], batch["token_lengths"])
        return ctc_loss(log_probs, output.time_lengths, *said, zero_infinity=True)

    def _mean_ctc(self, output, batch: Mapping[str, Any]) -> Tensor:
        """Nats a token of each utterance, then their mean."""
        lengths = batch["token_lengths"].clamp(min=1)
        return (self._ctc(output, batch) / lengths).mean()

    def _ctc_weight(self, progress: float) -> float:
        return self.config.ctc if progress >= self.config.ctc_from else 0.0

    def _with_end(self, batch: Mapping[str, Any]) -> Tensor:
        targets = with_end(batch["tokens"], batch["token_lengths"])
        return _ignore(targets, batch["token_lengths"] + 1)


def _targets(batch: Mapping[str, Any]) -> Tensor:
    return _ignore(batch["tokens"], batch["token_lengths"])


def _ignore(targets: Tensor, lengths: Tensor) -> Tensor:
    return targets.masked_fill(~length_mask(lengths, targets.shape[1]), NOT_SCORED)


def _cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Nats a token of each utterance, then their mean; 0 for one without tokens."""
    losses = F.cross_entropy(
        logits.transpose(1, 2),
        targets,
        ignore_index=NOT_SCORED,
        label_smoothing=smoothing,
        reduction="none",
    )
    return (losses.sum(1) / (targets != NOT_SCORED).sum(1).clamp(min=1)).mean()


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a config means, ready to be trained."""

    model: nn.Module
    task: SpeechTask
    datasets: dict[str, Dataset]
    data: dict[str, Any]
    """Plain values for the checkpoint, under the key "data"."""

    title: str
    opened: Opened


def build(config: Config) -> Setup:
    """Open the data and build the model; raises InputError for what cannot be."""
    task = SpeechTask(config.loss, config.model)
    if config.train.monitor not in task.names:
        raise InputError(
            f"train.monitor = {config.train.monitor}: there are {', '.join(task.names)}"
        )
    for key in config.loss.unheeded(config.model.name):
        raise InputError(
            f"loss.{key} = {getattr(config.loss, key)}: model.name = "
            f"{config.model.name} does not have this loss; leave the key out"
        )
    if config.model.causal and config.features.cmvn == "utterance":
        log.warning(
            "warning: features.cmvn=utterance needs the whole utterance, so this "
            "causal model cannot stream; with features.cmvn=global it can"
        )
    opened = open_data(config.data, config.features, config.tokenizer, config.seed)
    model = make_model(config, opened.tokenizer.vocab_size)
    count = sum(p.numel() for p in model.parameters())
    title = f"{describe(config.model)} {count:,} parameters · {opened.title}"
    return Setup(model, task, opened.datasets, opened.to_dict(), title, opened)


def make_model(config: Config, vocab: int) -> nn.Module:
    """The network of a config; raises InputError for one that cannot be built."""
    try:
        return build_model(config.model, config.features.dim, vocab)
    except ValueError as error:
        raise InputError(f"model: {error}") from None


def describe(model: ModelConfig) -> str:
    """Its name and what it is made of."""
    predictor = f", {model.predictor}" if model.name == "paraformer" else ""
    return f"{model.name} ({model.encoder}{predictor})"
