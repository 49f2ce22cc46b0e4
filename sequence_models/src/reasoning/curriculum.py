"""What a reasoning run learns from: worked answers at first, then questions alone.

A batch of the first epochs is {"tokens", "targets"}, of the later ones {"prompt",
"lengths", "entry", "uniform"}: questions, and the random numbers that their answers
will be drawn with. They belong to (seed, epoch, index), so a run that was resumed, or
is shared by several processes, draws the same answers.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..data.draws import uniform
from ..data.ragged import Ragged
from ..data.toy_tasks import SPECIALS, SPLITS, shift
from ..data.windows import IGNORED, Batch, Batches, Key, split_keys
from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from ..utils.seed import keyed_rng
from .problems import Problems


ANSWERS, EXAM = 3, 4
"""What random numbers are keyed by beside the seed and the epoch, or the split."""


class Lines:
    """Questions and answers as ids: BOS question SEP answer EOS."""

    def __init__(self, tokenizer: Tokenizer):
        self.encode = tokenizer.encode
        specials = (tokenizer.specials[name] for name in SPECIALS)
        self.bos, self.eos, self.pad, self.sep = specials

    def prompt(self, question: str) -> list[int]:
        return [self.bos, *self.encode(question), self.sep]

    def line(self, question: str, answer: str) -> list[int]:
        return [*self.prompt(question), *self.encode(answer), self.eos]

    def supervised(self, lines: list[list[int]], prompts: list[int]) -> Batch:
        """Tokens and targets; what stands in a prompt is no target."""
        batch = shift(Ragged.of(lines), np.arange(len(lines)), self.pad)
        place = torch.arange(batch["tokens"].shape[1])
        asked = place < torch.tensor(prompts)[:, None] - 1
        return batch | {"targets": batch["targets"].masked_fill(asked, IGNORED)}

    def asked(self, questions: list[str]) -> Batch:
        """Prompts, filled up at their right."""
        rows = Ragged.of([self.prompt(question) for question in questions])
        prompt, _ = rows.padded(np.arange(len(rows)), self.pad)
        return {
            "prompt": torch.from_numpy(prompt),
            "lengths": torch.from_numpy(rows.lengths),
        }


class Curriculum(Batches):
    """`samples` an epoch: demonstrations in the first `warm_up` epochs, then questions.

    `demonstrations` 0: those of all problems, worked anew each time.
    """

    def __init__(
        self,
        demonstrated: Problems,
        problems: Problems,
        tokenizer: Tokenizer,
        samples: int,
        warm_up: int,
        group: int,
        seed: int,
        *,
        endless: bool = False,
    ):
        self.demonstrated, self.problems = demonstrated, problems
        self.lines, self.samples, self.warm_up = Lines(tokenizer), samples, warm_up
        self.group, self.count = group, problems.longest_response + 1
        self.seed, self.endless = seed, endless
        self._worked: dict[int, str] = {}

    def __len__(self) -> int:
        return self.samples

    @contract
    def __getitems__(self, keys: list[Key]) -> Batch:
        epoch, indices = split_keys(keys)
        if epoch < self.warm_up:
            return self._work(epoch, indices)
        # On through the problems from epoch to epoch, until all were asked.
        entries = ((epoch - self.warm_up) * self.samples + indices) % len(self.problems)
        questions = [self.problems[int(i)]["question"] for i in entries]
        numbers = answer_numbers((self.seed, epoch), indices, self.group, self.count)
        return self.lines.asked(questions) | {
            "entry": torch.from_numpy(entries),
            "uniform": numbers,
        }

    def _work(self, epoch: int, indices: np.ndarray) -> Batch:
        lines, prompts = [], []
        for index in indices.tolist():
            number = (epoch * self.samples + index) % len(self.demonstrated)
            question = self.demonstrated[number]["question"]
            answer = self._answer(epoch, index, number)
            lines.append(self.lines.line(question, answer))
            prompts.append(len(self.lines.prompt(question)))
        return self.lines.supervised(lines, prompts)

    def _answer(self, epoch: int, index: int, number: int) -> str:
        entry = self.demonstrated[number]
        if self.endless:
            rng = keyed_rng(self.seed, epoch, index)
            return self.demonstrated.demonstrate(entry, rng)
        if number not in self._worked:
            rng = keyed_rng(self.seed, number)
            self._worked[number] = self.demonstrated.demonstrate(entry, rng)
        return self._worked[number]


class Exam(Batches):
    """Held-out problems: questions, random numbers, and a worked answer to each."""

    def __init__(
        self,
        problems: Problems,
        tokenizer: Tokenizer,
        samples: int,
        seed: int,
        split: Literal["train", "val", "test"],
    ):
        self.problems, self.lines, self.samples = problems, Lines(tokenizer), samples
        self.count = problems.longest_response + 1
        self.split, self.key = SPLITS.index(split), (seed, SPLITS.index(split), EXAM)

    def __len__(self) -> int:
        return len(self.problems)

    @contract
    def __getitems__(self, keys: list[Key]) -> Batch:
        _, indices = split_keys(keys)
        entries = [self.problems[int(i)] for i in indices]
        lines, prompts = [], []
        for index, entry in zip(indices.tolist(), entries, strict=True):
            answer = self.problems.demonstrate(entry, keyed_rng(*self.key, index))
            lines.append(self.lines.line(entry["question"], answer))
            prompts.append(len(self.lines.prompt(entry["question"])))
        numbers = answer_numbers(self.key, indices, self.samples, self.count)
        return (
            self.lines.asked([entry["question"] for entry in entries])
            | self.lines.supervised(lines, prompts)
            | {
                "entry": torch.from_numpy(indices),
                "split": torch.full((len(indices),), self.split),
                "uniform": numbers,
            }
        )


def answer_numbers(
    key: tuple[int, ...], indices: np.ndarray, group: int, count: int
) -> Float[Tensor, "batch group count"]:
    """A float64 number in [0, 1) for each token of each answer."""
    places = indices[:, None] * (group * count) + np.arange(group * count)
    numbers = uniform((*key, ANSWERS), places)
    return torch.from_numpy(numbers.reshape(len(indices), group, count))
