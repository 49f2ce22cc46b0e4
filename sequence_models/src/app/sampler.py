"""What the sampler asks for: the logits of the next token, and tokens that are drawn.

The page itself computes what temperature and filters make of the logits, so that its
sliders need no answer; a draw is the library's.
"""

from contextlib import suppress
from typing import Any

import torch

from ..generation.generate import generate, require_numbers, window_start
from ..generation.sampling import Sampling, uniforms
from ..inference.predictor import Predictor
from ..metrics.language import token_nats
from ..utils.errors import InputError
from . import tokens
from .choices import Choices
from .page import Question


LONGEST = 2000
"""Characters of a prompt."""
MOST = 100
"""Tokens drawn at once."""
ROOM = 2000
"""Tokens appended to a prompt."""
KINDS = ("lm", "answer", "reason")
PROMPTS = ("It was a cold morning and ", "It was a ", "")
FANS = (4, 3, 2, 2)
"""How many of the likeliest tokens a saved page goes on with, token after token."""
GREEDY = 24
"""Tokens of the likeliest text that it holds."""
SEEDS = 10
"""Seeds whose numbers a page has, so that a saved one draws as the library would."""


class Sampler:
    """The text so far is a prompt and the ids of the tokens appended to it."""

    def __init__(self, choices: Choices):
        self.choices = choices

    def start(self) -> dict[str, Any]:
        """What the controls offer, and the numbers that seeds draw with."""
        numbers = {str(seed): uniforms(seed, 1, MOST)[0] for seed in range(SEEDS)}
        return {
            "checkpoints": self.choices.listed(),
            "checkpoint": self.choices.first,
            "prompts": self._prompts(),
            "most": MOST,
            "uniforms": {seed: row.tolist() for seed, row in numbers.items()},
        }

    def vocabulary(self, checkpoint: str) -> dict[str, Any]:
        """What each id is called, which ones end a text, and the context (or None)."""
        predictor = self._predictor(checkpoint)
        return {
            "names": tokens.names(predictor.tokenizer),
            "ends": sorted(predictor.ends),
            "context": predictor.model.context,
        }

    @torch.inference_mode()
    def next(self, checkpoint: str, prompt: str, appended: list[int]) -> dict[str, Any]:
        """The logits after the text, and how surprising each of its tokens was."""
        predictor = self._predictor(checkpoint)
        ids = self._ids(predictor, prompt, appended)
        start = window_start(len(ids), predictor.model.context)
        window = predictor.tensor(ids[start:])[None]
        logits = predictor.model(window)[0]
        require_numbers(logits[0])
        bits = token_nats(logits[:, :-1], window[:, 1:])[0] / torch.log(torch.tensor(2))
        return {
            "ids": ids,
            "typed": len(ids) - len(appended),
            "start": start,
            "bits": [None] * (start + 1) + bits.tolist(),
            "logits": logits[0, -1],
        }

    def draw(
        self,
        checkpoint: str,
        prompt: str,
        appended: list[int],
        count: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        no_repeat_ngram: int = 0,
    ) -> dict[str, Any]:
        """The next `count` tokens, up to one that ends the text, and their numbers.

        Token n after the prompt is drawn with number n of the seed, so that single
        draws give the text that one draw of all gives.
        """
        if not (1 <= count <= MOST and seed >= 0):
            raise InputError(
                f"count = {count}, seed = {seed}: draw 1 to {MOST} tokens with a seed "
                "of 0 or more"
            )
        predictor = self._predictor(checkpoint)
        sampling = Sampling(
            temperature, top_k, top_p, min_p, repetition_penalty, no_repeat_ngram
        )
        ids = self._ids(predictor, prompt, appended)
        place = len(appended)
        numbers = uniforms(seed, 1, place + count)[:, place:]
        drawn = generate(
            predictor.model, predictor.tensor(ids)[None], count, sampling,
            uniform=numbers, stop=predictor.ends,
        )[0].tolist()  # fmt: skip
        ends = [n + 1 for n, one in enumerate(drawn) if one in predictor.ends]
        return {"tokens": drawn[: min(ends, default=count)], "uniforms": numbers[0]}

    def exported(self) -> list[Question]:
        """The prompts with their likeliest continuations, a few tokens deep."""
        name = self.choices.first
        questions: list[Question] = [("sampler/start", {})]
        if self._prompts():
            questions.append(("sampler/vocabulary", {"checkpoint": name}))
        for prompt in self._prompts():
            paths = self._tree(name, prompt) | self._greedy(name, prompt)
            questions += [
                (
                    "sampler/next",
                    {"checkpoint": name, "prompt": prompt, "appended": [*p]},
                )
                for p in sorted(paths)
            ]
        return questions

    def _prompts(self) -> list[str]:
        """Those that the first checkpoint can read; the empty one always can be."""
        found = []
        for prompt in PROMPTS:
            with suppress(InputError):
                self._ids(self._predictor(self.choices.first), prompt, [])
                found.append(prompt)
        return found

    def _tree(self, name: str, prompt: str) -> set[tuple[int, ...]]:
        found: set[tuple[int, ...]] = {()}
        leaves = [()]
        for fan in FANS:
            leaves = [
                (*path, token)
                for path in leaves
                for token in self._likeliest(name, prompt, path, fan)
            ]
            found.update(leaves)
        return found

    def _greedy(self, name: str, prompt: str) -> set[tuple[int, ...]]:
        drawn = self.draw(name, prompt, [], GREEDY, temperature=0.0)["tokens"]
        return {tuple(drawn[:n]) for n in range(len(drawn) + 1)}

    def _likeliest(self, name: str, prompt: str, path: tuple, fan: int) -> list[int]:
        logits = self.next(name, prompt, [*path])["logits"]
        return logits.topk(min(fan, len(logits))).indices.tolist()

    def _predictor(self, checkpoint: str) -> Predictor:
        predictor = self.choices.get(checkpoint)
        if predictor.kind not in KINDS:
            raise InputError(
                f"{checkpoint} is for the task {predictor.kind} and writes no text; "
                "choose the checkpoint of a language model"
            )
        return predictor

    def _ids(self, predictor: Predictor, prompt: str, appended: list[int]) -> list[int]:
        if len(appended) > ROOM:
            raise InputError(
                f"{ROOM} tokens were appended; take some back, or begin anew"
            )
        if any(not 0 <= one < predictor.info.vocab for one in appended):
            raise InputError(f"appended: ids are 0 to {predictor.info.vocab - 1}")
        typed = tokens.read(predictor, prompt, LONGEST) or predictor.beginning
        return typed + appended
