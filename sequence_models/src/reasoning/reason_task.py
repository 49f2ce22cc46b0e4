"""A model of answers: what it learns from, and how it is examined."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.toy_tasks import SPLITS
from ..generation.sampling import GREEDY
from ..losses import NOT_SCORED, token_loss
from ..metrics.passing import pass_at_k
from ..tokenizers import Tokenizer
from .config import ReasonConfig
from .problems import Problems
from .reinforce import Batch, Reinforce, draw_answers
from .rewards import Grades
from .test_time import majority


def metric_names(samples: int) -> list[str]:
    """What an examination measures; all but loss and length are shares."""
    passes = [f"pass@{k}" for k in _counts(samples)]
    return ["loss", "greedy", *passes, f"vote@{samples}", "format", "length"]


class ReasonTask:
    """Worked answers in the first epochs, in the others answers of the model's own."""

    log_names = Reinforce.names

    def __init__(
        self,
        config: ReasonConfig,
        problems: dict[str, Problems],
        tokenizer: Tokenizer,
        stages: list[Any],
        smoothing: float = 0.0,
    ):
        self.config, self.problems, self.tokenizer = config, problems, tokenizer
        self.stages, self.smoothing = stages, smoothing
        self.carried: dict[str, Any] = {}
        self.reinforce = Reinforce(config, problems["train"], tokenizer, self.carried)
        self.read_log = self.reinforce.read_log
        self.counts = _counts(config.samples)
        self.names = metric_names(config.samples)

    def loss(self, model: nn.Module, batch: Batch, progress: float) -> Tensor:
        """Of worked answers the mean surprise; of questions see `Reinforce.loss`."""
        if "targets" not in batch:
            return self.reinforce.loss(model, batch)
        if self.config.algorithm != "ppo":
            return token_loss(_logits(model, batch), batch["targets"], self.smoothing)
        logits, values = model(batch["tokens"], values=True)
        # DDP waits for a gradient of every weight, those of the critic too.
        loss = token_loss(logits, batch["targets"], self.smoothing)
        return loss + 0 * values.sum()

    def evaluate(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Sums over problems, and over the tokens of worked answers for the loss."""
        problems, n = self.problems[SPLITS[int(batch["split"][0])]], self.config.samples
        targets = batch["targets"].flatten()
        nats = F.cross_entropy(
            _logits(model, batch).flatten(0, 1), targets, reduction="sum"
        )
        alone = batch | {"uniform": batch["uniform"][:, :1]}
        _, greedy = draw_answers(model, alone, problems, self.tokenizer, GREEDY)
        rollouts, grades = draw_answers(model, batch, problems, self.tokenizer)
        right = (grades.outcome == 1).view(-1, n)
        passed = {f"pass@{k}": pass_at_k(n, right.sum(1), k) for k in self.counts}
        return {
            "nats": nats.double(),
            "tokens": (targets != NOT_SCORED).sum(),
            "problems": torch.tensor(len(right)),
            "greedy": (greedy.outcome == 1).sum(),
            **{name: value.sum() for name, value in passed.items()},
            f"vote@{n}": self._right_votes(grades),
            "format": grades.format.sum() / n,
            "length": rollouts.scored.sum() / n,
        }

    def metrics(self, sums: dict[str, Tensor]) -> dict[str, float]:
        problems = sums["problems"].clamp(min=1)
        shares = {name: (sums[name] / problems).item() for name in self.names[1:]}
        return {"loss": (sums["nats"] / sums["tokens"].clamp(min=1)).item()} | shares

    def _right_votes(self, grades: Grades) -> Tensor:
        """Problems of which the answer that most of the samples give is right."""
        n, votes = self.config.samples, 0
        for row in range(0, len(grades.answers), n):
            group = grades.answers[row : row + n]
            vote = majority(group)
            votes += vote is not None and grades.outcome[row + group.index(vote)] == 1
        return torch.as_tensor(votes)


def _counts(samples: int) -> list[int]:
    return [k for k in (1, 4, 16, 64, 256) if k <= samples]


def _logits(model: nn.Module, batch: Batch) -> Tensor:
    return model(batch["tokens"])[0]
