"""One step of reinforcement: draw answers, grade them, make the good ones likelier.

`Reinforce.loss` is the page to read. Which advantages, and what a token weighs, is the
algorithm's: see `METHODS`. No step is made twice on the same answers unless `updates`
says so, and no reference is kept unless `kl` does.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..generation.sampling import PLAIN, Sampling
from ..tokenizers import Tokenizer
from . import advantages as adv
from .actor_critic import values_before
from .config import ReasonConfig
from .objectives import Normaliser, kl_k3, policy_loss, value_loss
from .problems import Problems
from .rewards import Grades, grade, reward
from .rollouts import Rollouts, distinct, log_probs, roll_out


Batch = dict[str, Any]


class Method(NamedTuple):
    advantages: Callable[[Tensor], Tensor]
    """Of rewards (prompts group)."""
    normaliser: Normaliser


METHODS = {
    "reinforce": Method(adv.reinforce_advantages, "sum"),
    "rloo": Method(adv.rloo_advantages, "sum"),
    "grpo": Method(adv.grpo_advantages, "sequence"),
    "dr_grpo": Method(adv.dr_grpo_advantages, "constant"),
}
PPO_LAMBDA = 0.95
"""Of the advantages of ppo (its paper, table 3); nothing is discounted."""
VALUE_WEIGHT = 0.5
"""Of the critic's loss beside the policy's."""


class Reinforce:
    """What is minimised in the epochs of reinforcement."""

    names = [
        "reward", "correct", "zero_variance", "entropy", "length", "wrong_length",
        "clipped", "kl", "verifier_errors",
    ]  # fmt: skip

    def __init__(
        self,
        config: ReasonConfig,
        problems: Problems,
        tokenizer: Tokenizer,
        carried: dict[str, Any],
    ):
        """`carried` is saved with the run: answers that more steps will be made on, the
        reference, sums for the next row.
        """
        self.config, self.problems, self.tokenizer = config, problems, tokenizer
        self.carried = carried
        self._reference: nn.Module | None = None

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Minus the objective of the algorithm on answers to the batch's questions."""
        policy = getattr(model, "module", model)  # DDP does not generate
        drawn = self._drawn(policy, batch)
        rollouts = Rollouts(drawn["tokens"], drawn["scored"], [], drawn["ended"])
        mask, clip = rollouts.scored, self.config.clip
        logp, entropy = log_probs(model, rollouts)
        old_logp = drawn.get("logp", logp.detach())
        method = METHODS.get(self.config.algorithm)
        normaliser = method.normaliser if method else "token"
        loss, clipped = policy_loss(
            logp, old_logp, drawn["advantages"], mask, clip=clip, normaliser=normaliser
        )
        if "returns" in drawn:
            values = _values(model, rollouts)
            error = value_loss(values, drawn["values"], drawn["returns"], mask, clip)
            loss = loss + VALUE_WEIGHT * error
        if self.config.kl:
            distance = kl_k3(logp, self._reference_logp(policy, rollouts), mask)
            loss = loss + self.config.kl * distance
            self._note(kl=distance.detach())
        self._note(entropy=entropy[mask].mean(), clipped=clipped)
        return loss

    def read_log(self) -> dict[str, float]:
        """The mean of each number since the last call."""
        log = self.carried.pop("log", {})
        return {name: total / count for name, (total, count) in log.items()}

    def _note(self, **numbers: Tensor | float) -> None:
        log = self.carried.setdefault("log", {})
        for name, value in numbers.items():
            total, count = log.get(name, (0.0, 0))
            log[name] = [total + float(value), count + 1]

    def _drawn(self, policy: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """New answers, or the last ones while `updates` steps on them are not done."""
        if self.carried.get("left", 0):
            self.carried["left"] -= 1
            return self.carried["drawn"]
        rollouts, grades = draw_answers(policy, batch, self.problems, self.tokenizer)
        rewards = reward(grades, self.config).to(rollouts.tokens.device)
        by_prompt = rewards.view(-1, self.config.group)
        drawn = rollouts._asdict()
        del drawn["responses"]
        if self.config.algorithm == "ppo":
            drawn |= _judged(policy, rollouts, rewards)
        else:
            method = METHODS[self.config.algorithm]
            drawn["advantages"] = method.advantages(by_prompt).flatten()
        if self.config.updates > 1:
            with torch.no_grad():
                drawn["logp"], _ = log_probs(policy, rollouts)
            self.carried |= {"drawn": drawn, "left": self.config.updates - 1}
        right, length = grades.outcome == 1, rollouts.scored.sum(1).float()
        self._note(
            reward=rewards.mean(),
            correct=right.float().mean(),
            zero_variance=adv.zero_variance(by_prompt),
            length=length.mean(),
            verifier_errors=grades.errors,
        )
        if not right.all():
            self._note(wrong_length=length[~right].mean())
        return drawn

    def _reference_logp(self, policy: nn.Module, rollouts: Rollouts) -> Tensor:
        """Of the model as it was before the first step of reinforcement."""
        if "reference" not in self.carried:
            weights = policy.state_dict().items()
            self.carried["reference"] = {name: w.clone() for name, w in weights}
        if self._reference is None:
            self._reference = copy.deepcopy(policy).eval()
            self._reference.load_state_dict(self.carried["reference"])
        with torch.no_grad():
            return log_probs(self._reference, rollouts)[0]


def draw_answers(
    policy: nn.Module,
    batch: Batch,
    problems: Problems,
    tokenizer: Tokenizer,
    sampling: Sampling = PLAIN,
) -> tuple[Rollouts, Grades]:
    """Answers to the questions of a batch with the numbers in it, and their worth."""
    rollouts = roll_out(
        policy, batch["prompt"], batch["lengths"], batch["uniform"], tokenizer, sampling
    )
    entries = [problems[i] for i in batch["entry"].tolist()]
    return rollouts, grade(problems, entries, rollouts.responses, rollouts.ended)


def _judged(
    policy: nn.Module, rollouts: Rollouts, rewards: Tensor
) -> dict[str, Tensor]:
    """What the critic expected of each token, and what it should have."""
    mask = rollouts.scored
    with torch.no_grad():
        values = _values(policy, rollouts)
    at_end = adv.reward_at_end(rewards, mask)
    advantages = adv.gae(at_end, values, mask, gamma=1.0, lam=PPO_LAMBDA)
    returns = advantages + values
    return {"advantages": advantages, "values": values, "returns": returns}


def _values(model: nn.Module, rollouts: Rollouts) -> Tensor:
    """V of the state in which each token was drawn; equal lines are read once."""
    tokens, _, row = distinct(rollouts)
    _, values = model(tokens[:, :-1], values=True)
    return values_before(F.pad(values, (0, 1))).index_select(0, row)
