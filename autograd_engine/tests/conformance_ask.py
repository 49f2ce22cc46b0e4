"""The probes of conformance_probes.py over samples, and their answers."""

from typing import Any

from tests.conformance import Verdict, engine_operation, samples_of, some_samples_of
from tests.conformance_form import describe
from tests.conformance_probes import PROBES


def ask(question: str, names: list[str], most: int | None = None) -> list[Verdict]:
    """One verdict for each sample, or `most` of each operation, that it applies to."""
    verdicts = []
    for name in names:
        if engine_operation(name) is not None:
            every = samples_of(name) if most is None else some_samples_of(name, most)
            verdicts += [v for v in (_ask(question, name, *s) for s in every) if v]
    return verdicts


def ask_all(names: list[str], most: int) -> dict[str, list[Verdict]]:
    return {question: ask(question, names, most) for question in PROBES}


def _ask(question: str, name: str, info: Any, sample: Any) -> Verdict | None:
    told = describe((sample.input, sample.args, sample.kwargs))
    try:
        info.op(sample.input, *sample.args, **sample.kwargs)
    except Exception:
        return None  # torch refuses
    try:
        answer = PROBES[question](name, engine_operation(name), info, sample)
    except (NotImplementedError, TypeError) as error:
        answer = f"refused: {type(error).__name__}: {error}"
    except Exception as error:
        return Verdict(name, "failed", f"{told}: {type(error).__name__}: {error}")
    if answer is None:
        return None
    kind = answer if answer == "right" else answer.split(":")[0]
    kind = kind if kind in ("right", "refused") else "wrong"
    return Verdict(name, kind, f"{told}: {answer}")
