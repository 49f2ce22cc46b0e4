"""Each way to spend tokens at test time, measured on the problems of one split."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor
from tqdm import tqdm

from ..data.toy_tasks import SPLITS
from ..generation.sampling import GREEDY
from ..reasoning.curriculum import answer_numbers
from ..reasoning.drawn import Drawn, check, draw, room
from ..reasoning.forcing import Until, choose, force
from ..reasoning.process_verifier import Training, auc, judge, step_marks
from ..reasoning.scaling import Estimate, budgets, sampled
from ..reasoning.step_beam import Found, step_beam
from ..utils.errors import InputError
from .reason import (
    ANSWERING,
    PRACTICE,
    SEARCHING,
    TRYING,
    Reasoner,
    different,
    judge_with,
    learn_to_judge,
    report_of,
)


ATTEMPTS = 8
"""In one response, at most; the context has room for fewer."""
SLOTS = 16
"""Of a beam, at most."""
ROWS = 1024
"""Lines of a beam that are searched at once."""
BEAM = "beam over steps"
FORCED: dict[Until, str] = {
    "last": "budget forcing, last attempt",
    "claim": "budget forcing, until it claims",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which problems, and how many responses to each."""

    problems: int = 200
    samples: int = 64
    split: str = "test"
    seed: int = 0

    def __post_init__(self):
        for name, least in (("problems", 2), ("samples", 1), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise InputError(f"--{name} {value}: must be {least} or more")
        if self.seed >= 2**32:
            raise InputError(f"--seed {self.seed}: must be at most {2**32 - 1}")


class Methods:
    """`estimates` measures; then `verifier` and `missing` say what else there is."""

    def __init__(self, reasoner: Reasoner, asked: Wanted, quiet: bool = False):
        self.reasoner, self.asked, self.quiet = reasoner, asked, quiet
        self.problems = reasoner.problems[asked.split]
        self.indices = different(self.problems, asked.problems)
        self.entries = [self.problems[i] for i in self.indices]
        self.verifier: dict[str, float] | None = None
        self.missing: dict[str, str] = {}
        """Methods that are not offered, and why."""

    def estimates(self) -> list[Estimate]:
        """Of all methods that the task and the model allow."""
        greedy = self._draw(1, GREEDY)
        first = Estimate(
            "greedy",
            1,
            greedy.tokens.double().mean().item(),
            greedy.right[:, 0].double(),
            greedy.cpu_seconds,
        )
        training = self._learn()
        drawn = self._draw(self.asked.samples, judged_by=training)
        found = [first, *sampled(drawn, training is not None, self.asked.seed)]
        if training is not None:
            scores, right = drawn.scores.flatten(), drawn.right.flatten()
            self.verifier = report_of(training) | {"test_auc": auc(scores, right)}
            found += self._beams(training)
        return found + self._forced()

    def _key(self, purpose: int) -> tuple[int, ...]:
        return self.asked.seed, SPLITS.index(self.asked.split), purpose

    def _draw(self, samples: int, *how, judged_by: Training | None = None) -> Drawn:
        one = self.reasoner
        score = None if judged_by is None else judge_with(one, judged_by)
        with self._bar(f"{samples} responses each", len(self.indices)) as bar:
            return draw(
                one.model, one.tokenizer, self.problems, self.indices, samples,
                self._key(ANSWERING), *how, judge=score, tick=bar.update,
            )  # fmt: skip

    def _learn(self) -> Training | None:
        if not self.reasoner.shows_features:
            why = "the model does not show its features; model.name gpt_* does"
            for name in ("weighted vote", "best of N, step verifier", BEAM):
                self.missing[name] = why
            return None
        with self._bar("step verifier", PRACTICE) as bar:
            return learn_to_judge(self.reasoner, self.asked.seed, bar.update)

    def _beams(self, training: Training) -> list[Estimate]:
        marks = step_marks(self.problems, self.reasoner.tokenizer)
        if not marks:
            self.missing[BEAM] = f"{self.reasoner.name} has responses of one step"
            return []
        sizes = [n for n in budgets(SLOTS) if 1 < n <= self.asked.samples]
        found = []
        with self._bar(BEAM, len(sizes) * len(self.indices)) as bar:
            for slots in sizes:
                begun, results = time.process_time(), []
                each = max(1, ROWS // slots)
                for start in range(0, len(self.indices), each):
                    some = range(start, min(start + each, len(self.indices)))
                    results += self._search(some, slots, training, marks)
                    bar.update(len(some))
                texts = map(
                    self.reasoner.tokenizer.decode, (x.response for x in results)
                )
                right = self._right(list(texts), [x.ended for x in results])
                spent = sum(x.spent for x in results) / len(results)
                cost = time.process_time() - begun
                found.append(Estimate(BEAM, slots, spent, right.double(), cost))
        return found

    def _search(
        self, some: Sequence[int], slots: int, training: Training, marks: set[int]
    ) -> list[Found]:
        one = self.reasoner
        prompts = [one.lines.prompt(self.entries[i]["question"]) for i in some]
        count = room(one.model, self.problems, max(map(len, prompts)))
        numbers = torch.stack(
            [
                answer_numbers(
                    (*self._key(SEARCHING), step), np.array(some), slots, count
                )
                for step in range(count)
            ]
        )

        def score(tokens: Tensor, scored: Tensor) -> Tensor:
            device = next(one.model.parameters()).device
            tokens, scored = tokens.to(device), scored.to(device)
            return judge(training.verifier, one.model, tokens, scored).cpu()

        return step_beam(
            one.model, prompts, numbers, score, marks, one.eos, beams=isqrt(slots)
        )

    def _forced(self) -> list[Estimate]:
        one, seed = self.reasoner, self._key(TRYING)
        if self.problems.marks is None:
            why = f"{one.name} has no word that begins another attempt"
            self.missing["budget forcing"] = why
            return []
        begun = time.process_time()
        tried = force(
            one.model, one.tokenizer, self.problems, self.indices, ATTEMPTS, seed
        )
        cost = time.process_time() - begun
        most = max(len({x.response for x in attempts}) for attempts in tried)
        if most < 2:
            self.missing["budget forcing"] = (
                "the context has room for one attempt. Train with "
                "reason.problems.options.retries above 0"
            )
            return []
        total = sum(attempts[-1].tokens for attempts in tried)
        found = []
        for until, name in FORCED.items():
            for budget in range(1, most + 1):
                chosen = [choose(attempts, budget, until) for attempts in tried]
                right = self._right(
                    [x.response for x in chosen], [x.ended for x in chosen]
                )
                spent = sum(x.tokens for x in chosen)
                cpu, mean = cost * spent / total, spent / len(chosen)
                found.append(Estimate(name, budget, mean, right.double(), cpu))
        return found

    def _right(self, texts: list[str], ended: list[bool]) -> Bool[Tensor, " problems"]:
        return check(self.problems, self.entries, texts, torch.tensor(ended))[0]

    def _bar(self, what: str, total: int) -> tqdm:
        return tqdm(
            total=total, desc=what, leave=False, disable=True if self.quiet else None
        )
