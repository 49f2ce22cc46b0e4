"""What is trained here: models of token sequences."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn
from torch.utils.data import Dataset

from ..data import DataConfig, Opened, open_data
from ..data.config import check_fits
from ..losses import LossConfig
from ..models import CLASSIFIERS, MODELS, ModelConfig, build_model
from ..reasoning.actor_critic import ActorCritic
from ..reasoning.config import ReasonConfig
from ..reasoning.opening import open_problems
from ..reasoning.reason_task import ReasonTask
from ..tokenizers import Tokenizer
from ..utils.errors import InputError
from .optim import OptimConfig
from .pictures import draw_predictions
from .progress import TrainConfig
from .stage import Stage
from .tasks import (
    AnswerTask,
    ClassifyTask,
    LanguageTask,
    MaskedTask,
    PairsTask,
    TokenTask,
)


__all__ = ["Config", "Setup", "build", "draw_predictions", "make_model", "make_task"]


_CAUSAL = [name for name in MODELS if name not in ("transformer", "encoder")]
MODELS_OF = {
    "lm": _CAUSAL,
    "answer": _CAUSAL,
    "pairs": ["transformer"],
    "mlm": ["encoder"],
    "classify": list(CLASSIFIERS),
    "reason": _CAUSAL,
}
STARTING = 10
"""Steps in which the rate of the reinforcement rises."""


@dataclass(frozen=True, slots=True)
class Config:
    seed: int = 0
    """Of the weights, the order, the windows and the toys."""
    debug: bool = False
    """Print activations and gradients of the first batch; stop where a NaN is made."""
    task: Literal["lm", "answer", "pairs", "mlm", "classify", "reason"] = "lm"
    """Next token; answer after a question (one model, or encoder and decoder: pairs);
    masked words; a class for each text; answers that a verifier grades."""
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    reason: ReasonConfig = field(default_factory=ReasonConfig)
    """Of the task reason."""

    def __post_init__(self):
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed = {self.seed}: must be between 0 and {2**32 - 1}")


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a config means, ready to be trained."""

    model: nn.Module
    task: TokenTask | ClassifyTask | ReasonTask
    datasets: dict[str, Dataset]
    data: dict[str, Any]
    """Plain values for the checkpoint, under the key "data"."""

    title: str
    opened: Opened


def build(config: Config) -> Setup:
    """Open the data and build the model; raises InputError for what cannot be."""
    opened = open_for(config)
    task = make_task(config, opened)
    if config.train.monitor not in task.names:
        raise InputError(
            f"train.monitor = {config.train.monitor}: the task {config.task} has "
            f"{', '.join(task.names)}"
        )
    classes = len(opened.info.class_names)
    model = make_model(config, opened.info.vocab, classes)
    if config.data.stateful and model.context is not None:
        raise InputError(
            f"data.stateful: {config.model.name} sees {model.context} tokens and takes "
            "no memory along; set data.stateful=false, or take a recurrent model"
        )
    count = sum(p.numel() for p in model.parameters())
    title = f"{config.model.name} {count:,} parameters · {opened.title}"
    data = asdict(opened.info) | {"tokenizer": opened.tokenizer.to_dict()}
    return Setup(model, task, opened.datasets, data, title, opened)


def open_for(config: Config, tokenizer: Tokenizer | None = None) -> Opened:
    """The data of a config, cut by `tokenizer` or by one made for it."""
    check_fits(config.data, config.task)
    if config.task == "reason":
        return open_problems(config.data, config.reason, config.seed, tokenizer)
    return open_data(config.data, config.task, config.seed, tokenizer)


def make_model(config: Config, vocab: int, classes: int) -> nn.Module:
    """The network of a config; raises InputError for one that cannot be built."""
    name, fitting = config.model.name, MODELS_OF[config.task]
    if name not in fitting:
        raise InputError(
            f"model.name = {name}: the task {config.task} is for {', '.join(fitting)}"
        )
    try:
        model = build_model(config.model, vocab, config.data.context, classes)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"model: {error}") from None
    criticised = config.task == "reason" and config.reason.algorithm == "ppo"
    return ActorCritic(model) if criticised else model


def make_task(config: Config, opened: Opened) -> TokenTask | ClassifyTask | ReasonTask:
    """Loss and metrics for the data that was opened."""
    if config.task == "reason":
        if config.reason.updates > 1 and config.train.accumulate > 1:
            raise InputError(
                f"reason.updates = {config.reason.updates}: its steps are on the same "
                "answers, so train.accumulate must be 1; raise data.batch_size instead"
            )
        stages, smoothing = _stages(config, opened), config.loss.label_smoothing
        return ReasonTask(
            config.reason, opened.problems, opened.tokenizer, stages, smoothing
        )
    if config.task == "classify":
        return ClassifyTask(config.loss, len(opened.info.class_names))
    if config.task in ("pairs", "mlm"):
        kinds = {"pairs": PairsTask, "mlm": MaskedTask}
        return kinds[config.task](config.loss)
    lengths = torch.tensor([len(piece) for piece in opened.tokenizer.token_bytes()])
    kind = LanguageTask if config.task == "lm" else AnswerTask
    return kind(config.loss, lengths)


def _stages(config: Config, opened: Opened) -> list[Stage]:
    """Supervised by `optim`, then reinforced at a constant rate without decay."""
    reason, stages = config.reason, [Stage("supervised", 0, config.optim)]
    if reason.algorithm == "supervised":
        return stages
    if reason.warm_up >= config.train.epochs:
        raise InputError(
            f"reason.warm_up = {reason.warm_up}: of {config.train.epochs} epochs none "
            f"is left for {reason.algorithm}; raise train.epochs, or set "
            "reason.algorithm=supervised"
        )
    batches = len(opened.datasets["train"]) // config.data.batch_size
    epochs = config.train.epochs - reason.warm_up
    steps = epochs * (batches // config.train.accumulate)
    optim = replace(
        config.optim,
        name="adamw",
        lr=reason.lr,
        schedule="constant",
        warmup=min(1.0, STARTING / max(steps, 1)),
        weight_decay=0.0,
    )
    if reason.warm_up == 0:
        return [Stage(reason.algorithm, 0, optim)]
    return [*stages, Stage(reason.algorithm, reason.warm_up, optim)]
