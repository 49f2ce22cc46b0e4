"""What the key `reason` of a configuration says."""

from dataclasses import dataclass, field
from typing import Any, Literal


Algorithm = Literal["supervised", "reinforce", "rloo", "grpo", "dr_grpo", "ppo"]
MOST = 10_000
"""Answers to a question."""


@dataclass(frozen=True, slots=True)
class ProblemsConfig:
    name: str = "addition"
    """addition, multiplication, countdown, sorting, comparisons, graph, gym/NAME."""
    options: dict[str, float] = field(default_factory=dict)
    """What the problems are told, such as {digits: 2}; each has its own."""
    n_train: int = 8000
    """Questions to practise on; their answers are seen by the verifier alone."""
    n_val: int = 100
    n_test: int = 500

    def __post_init__(self):
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")
        for name in ("name", "size", "seed", "split", "unique"):
            if name in self.options:
                raise ValueError(f"options have {name}, which is set elsewhere")

    def given(self) -> dict[str, Any]:
        """The options, whole numbers as int."""
        return {
            name: int(value) if value == int(value) else value
            for name, value in self.options.items()
        }


@dataclass(frozen=True, slots=True)
class ReasonConfig:
    problems: ProblemsConfig = field(default_factory=ProblemsConfig)
    demonstrations: int = 400
    """Worked answers to learn from; 0: a new one each time, without end."""
    warm_up: int = 8
    """Epochs of supervised learning before the reinforcement."""
    algorithm: Algorithm = "grpo"
    """How the other epochs learn; supervised: as the first ones."""
    group: int = 16
    """Answers to each question of a batch."""
    lr: float = 4e-4
    """Rate of the reinforcement, after ten steps of warm-up."""
    updates: int = 1
    """Steps on the same answers, the batches of the later ones unread; above 1 the
    ratio is clipped."""
    clip: float = 0.2
    """How far from 1 the ratio of new to old probability may gain."""
    kl: float = 0.0
    """Weight of the distance from the supervised model (k3); 0: none is kept."""
    format_reward: float = 0.0
    """For an answer in the right form, beside 1 for a right one."""
    step_reward: float = 0.0
    """For the share of right steps."""
    samples: int = 16
    """Answers to each question that is scored."""

    def __post_init__(self):
        for name, least in [
            ("demonstrations", 0), ("warm_up", 0), ("group", 2), ("updates", 1),
            ("kl", 0), ("format_reward", 0), ("step_reward", 0), ("samples", 1),
        ]:  # fmt: skip
            if getattr(self, name) < least:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= {least}")
        for name in ("group", "samples"):
            if getattr(self, name) > MOST:
                raise ValueError(f"{name} = {getattr(self, name)}: must be <= {MOST}")
        if self.lr <= 0:
            raise ValueError(f"lr = {self.lr}: must be > 0")
        if not 0 < self.clip < 1:
            raise ValueError(f"clip = {self.clip}: must lie between 0 and 1")
