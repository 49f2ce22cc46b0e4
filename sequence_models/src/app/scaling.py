"""The panel of test-time scaling: what more answers to one problem are worth.

Curves of `scripts/reason.py scale`, a small one measured while the visitor waits, and
the answers to one problem, whose vote the page counts itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..data.toy_tasks import SPLITS
from ..generation.sampling import GREEDY, PLAIN, Sampling
from ..inference.reason import ANSWERING, Reasoner, different, load_reasoner
from ..inference.reason_solve import solve
from ..reasoning.drawn import Drawn, draw
from ..reasoning.scaling import Estimate, points, sampled
from ..utils.errors import InputError
from ..utils.logging import log
from .checkpoints import check_finite
from .page import Question
from .reasoners import find_reasoners


ANSWERS = 16
"""Drawn to a problem."""
OFFERED, LOOKED_AT = 12, 120
"""Problems to choose from: of so many those on which the answers differ most."""
PROBLEMS, MOST = 100, 500
"""That are measured live, if nothing else is asked for, and at most."""
LONGEST = 200
"""Characters of a problem that a visitor types."""
SAVED = 2
"""Reasoners of which a saved page holds answers."""
BIT = 10
"""Problems of the first frame; later ones have more, as all are counted anew."""
SPLIT = "test"
NONE = (
    "there is no checkpoint of the task reason; type: python scripts/train.py --config "
    "configs/reason_addition.yaml --name sums (35 CPU-seconds)"
)


class Scaling:
    """What the panel asks for; a reasoner is named by its run and stage."""

    def __init__(
        self, checkpoint: Path | None = None, runs: Path = Path("runs")
    ) -> None:
        """`checkpoint`, of the task reason, comes before those of `runs`."""
        self.runs, self.checkpoint = runs, checkpoint
        self._loaded: tuple[Path, Reasoner] | None = None

    def start(self) -> dict[str, Any]:
        """Saved results, the reasoners there are, or how to make one."""
        reasoners = list(self._reasoners())
        results = [name for name, path in self._results().items() if _readable(path)]
        return {
            "results": results,
            "result": self.result(results[0]) if results else None,
            "reasoners": reasoners,
            "missing": "" if reasoners else NONE,
            "samples": ANSWERS,
            "problems": PROBLEMS,
            "most": MOST,
        }

    def result(self, name: str) -> dict[str, Any]:
        """What `reason.py scale` has saved of a run."""
        known = self._results()
        if name not in known:
            raise InputError(f"{name[:60]!r} is no result here; {_there(known)}")
        return read_result(known[name])

    def problems(self, reasoner: str) -> dict[str, Any]:
        """Problems on which the answers of the model differ, the most split first."""
        one = self._load(self._path(reasoner))
        problems, asked = one.problems[SPLIT], different(one.problems[SPLIT], LOOKED_AT)
        drawn = draw(one.model, one.tokenizer, problems, asked, ANSWERS, _key(0))
        votes = [max(map(row.count, row)) for row in drawn.answers]
        order = sorted(range(len(asked)), key=lambda i: (votes[i], i))[:OFFERED]
        questions = [problems[asked[i]]["question"] for i in order]
        return {"task": one.name, "questions": questions}

    def answers(
        self, reasoner: str, question: str, seed: int = 0, samples: int = ANSWERS
    ) -> dict[str, Any]:
        """What `reason.py solve` says of a problem, which a visitor may have typed."""
        if not 1 <= samples <= 64:
            raise InputError(f"{samples} answers: choose from 1 to 64")
        if len(question) > LONGEST:
            raise InputError(
                f"a problem of {len(question):,} characters: {LONGEST} at most"
            )
        path = self._path(reasoner)
        self._load(path)
        said = solve(path, question, samples, seed, device="cpu")
        del said["checkpoint"]
        return said

    def measure(
        self,
        reasoner: str,
        problems: int = PROBLEMS,
        samples: int = ANSWERS,
        seed: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """Curves over more and more problems; the last are those of `reason.py scale`.

        Without its verifier of steps, which has to be trained first.
        """
        if not (2 <= problems <= MOST and 1 <= samples <= 64):
            raise InputError(f"choose from 2 to {MOST} problems and 1 to 64 answers")
        one = self._load(self._path(reasoner))
        asked = different(one.problems[SPLIT], problems)
        parts: list[tuple[Drawn, Drawn]] = []
        done = 0
        while done < len(asked):
            some = asked[done : done + max(BIT, done // 4)]
            greedy = _draw(one, some, 1, seed, GREEDY)
            parts.append((greedy, _draw(one, some, samples, seed, PLAIN)))
            done += len(some)
            frame = {"done": done, "of": len(asked), "samples": samples}
            yield frame | {"task": one.name, "points": _points(parts, seed)}

    def exported(self) -> list[Question]:
        """Saved results; of each reasoner its problems, answers and a measurement."""
        asked: list[Question] = [("scaling/start", {})]
        asked += [("scaling/result", {"name": name}) for name in self._results()]
        for reasoner in list(self._reasoners())[:SAVED]:
            whose = {"reasoner": reasoner}
            asked += [("scaling/problems", whose), ("scaling/measure", whose)]
            for question in self.problems(reasoner)["questions"]:
                asked.append(("scaling/answers", whose | {"question": question}))
        return asked

    def _results(self) -> dict[str, Path]:
        """By the run's name, the newest first."""
        files = [
            file
            for file in self.runs.glob("*/test_time/test_time.json")
            if file.parents[1].name != "latest"
        ]
        files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
        return {file.parents[1].name: file for file in files}

    def _reasoners(self) -> dict[str, Path]:
        return find_reasoners(self.checkpoint, self.runs)

    def _path(self, reasoner: str) -> Path:
        known = self._reasoners()
        if not known:
            raise InputError(NONE)
        if reasoner not in known:
            raise InputError(f"{reasoner[:60]!r} is no reasoner here; {_there(known)}")
        return known[reasoner]

    def _load(self, path: Path) -> Reasoner:
        """The last one stays in memory."""
        if self._loaded is None or self._loaded[0] != path:
            one = load_reasoner(path, "cpu")
            check_finite(one.model.state_dict(), path)
            self._loaded = path, one
        return self._loaded[1]


def read_result(path: Path) -> dict[str, Any]:
    """A test_time.json; raises InputError for anything else."""
    try:
        content = json.loads(path.read_text("utf-8"))
        names = ("task", "split", "problems", "samples", "verifier", "not_offered")
        found = {name: content[name] for name in names}
        kept = ("method", "budget", "tokens", "accuracy", "low", "high", "cpu_seconds")
        shown = [{name: point[name] for name in kept} for point in content["points"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not what reason.py scale writes "
            f"({type(error).__name__}: {error}); run it again"
        ) from None
    return found | {"points": shown}


def _readable(path: Path) -> bool:
    try:
        return bool(read_result(path)["points"])
    except InputError as error:
        log.warning("%s", error)
        return False


def _draw(
    one: Reasoner, asked: list[int], samples: int, seed: int, sampling: Sampling
) -> Drawn:
    problems, key = one.problems[SPLIT], _key(seed)
    return draw(one.model, one.tokenizer, problems, asked, samples, key, sampling)


def _points(parts: list[tuple[Drawn, Drawn]], seed: int) -> list[dict[str, Any]]:
    greedy, drawn = (_joined(list(some)) for some in zip(*parts, strict=True))
    first = Estimate(
        "greedy",
        1,
        greedy.tokens.double().mean().item(),
        greedy.right[:, 0].double(),
        greedy.cpu_seconds,
    )
    found = points([first, *sampled(drawn, False, seed)], seed)
    return [point._asdict() for point in found]


def _joined(parts: list[Drawn]) -> Drawn:
    """The problems of all of them, as if they were drawn at once."""
    lists, tensors = ("texts", "answers"), ("right", "tokens", "scores")
    return Drawn(
        *([row for part in parts for row in getattr(part, name)] for name in lists),
        *(torch.cat([getattr(part, name) for part in parts]) for name in tensors),
        sum(part.cpu_seconds for part in parts),
        sum(part.judging_seconds for part in parts),
    )


def _key(seed: int) -> tuple[int, ...]:
    """That of `reason.py scale`: the same seed draws the same answers."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed {seed}: choose from 0 to {2**32 - 1}")
    return seed, SPLITS.index(SPLIT), ANSWERING


def _there(known: dict[str, Path]) -> str:
    return f"there is {', '.join(known)}" if known else "there is none"
