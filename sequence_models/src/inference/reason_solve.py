"""Every attempt of a reasoner at one problem, and what the attempts vote for."""

from pathlib import Path
from typing import Any

from ..data.toy_tasks import split_of
from ..generation.sampling import GREEDY, PLAIN, Sampling
from ..reasoning.drawn import draw
from ..reasoning.problems import Entry, Problems
from ..reasoning.problems.asking import read_question
from ..reasoning.test_time import majority
from ..utils.errors import InputError
from ..utils.logging import table
from ..utils.run_dir import to_json
from .reason import ANSWERING, Reasoner, load_reasoner


Summary = dict[str, Any]


def solve(
    checkpoint: Path,
    problem: str,
    samples: int = 8,
    seed: int = 0,
    *,
    device: str = "auto",
) -> Summary:
    """Attempts at `problem`, each graded; raises InputError for one that is none."""
    for name, value, least in (("samples", samples, 1), ("seed", seed, 0)):
        if value < least:
            raise InputError(f"--{name} {value}: must be {least} or more")
    reasoner = load_reasoner(checkpoint, device)
    problems = reasoner.problems["test"]
    entry = read_question(problems, problem)
    attempts = _attempts(reasoner, entry, samples, seed, PLAIN)
    (greedy,) = _attempts(reasoner, entry, 1, seed, GREEDY)
    vote = majority([one["answer"] for one in attempts])
    return {
        "checkpoint": str(checkpoint),
        "task": reasoner.name,
        "question": entry["question"],
        "part": split_of(problems.canonical(entry["question"])),
        "solution": entry["answer"],
        "attempts": attempts,
        "vote": vote,
        "votes": sum(one["answer"] == vote is not None for one in attempts),
        "vote_is_right": problems.score_answer(vote, entry) == 1,
        "greedy": greedy,
    }


def text(summary: Summary, json: bool = False) -> str:
    """For stdout."""
    if json:
        return to_json(summary, indent=1) + "\n"
    rows = [
        (str(name), one["verdict"], one["tokens"], one["response"], _marks(one))
        for name, one in [
            *enumerate(summary["attempts"], 1),
            ("greedy", summary["greedy"]),
        ]
    ]
    shown = table(rows, ("attempt", "verdict", "tokens", "response", "steps"))
    count, vote = len(summary["attempts"]), summary["vote"]
    result = "no attempt is in the format: there is no vote"
    if vote is not None:
        right = "right" if summary["vote_is_right"] else "wrong"
        result = f"vote: {vote}, by {summary['votes']} of {count}: {right}"
    asked = f"{summary['question']} (of the part {summary['part']})"
    return f"{asked}\n\n{shown}\n\n{result}\na solution: {summary['solution']}\n"


def _attempts(
    reasoner: Reasoner, entry: Entry, samples: int, seed: int, sampling: Sampling
) -> list[Summary]:
    problems: Any = _Alone(reasoner.problems["test"], entry)
    drawn = draw(
        reasoner.model, reasoner.tokenizer, problems, [0], samples,
        (seed, ANSWERING), sampling,
    )  # fmt: skip
    rows = zip(
        drawn.texts[0],
        drawn.answers[0],
        drawn.right[0].tolist(),
        drawn.tokens[0].tolist(),
        strict=True,
    )
    return [
        {
            "response": response,
            "answer": answer,
            "verdict": _verdict(answer, right),
            "tokens": tokens,
            "steps": _steps(problems, response, entry),
        }
        for response, answer, right, tokens in rows
    ]


def _verdict(answer: str | None, right: bool) -> str:
    if answer is None:
        return "not in the format"
    return "right" if right else "wrong"


def _steps(problems: Problems, response: str, entry: Entry) -> list[dict[str, Any]]:
    steps = problems.split_steps(response)
    scores = problems.score_steps(response, entry)
    return [
        {"step": step, "score": score}
        for step, score in zip(steps, scores, strict=True)
    ]


def _marks(attempt: Summary) -> str:
    """What the task's verifier gives each step."""
    return " ".join(f"{one['score']:g}" for one in attempt["steps"])


class _Alone:
    """Problems of which there is one, that somebody asked."""

    def __init__(self, problems: Problems, entry: Entry):
        self._problems, self._entry = problems, entry

    def __getitem__(self, index: int) -> Entry:
        return self._entry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._problems, name)
