"""Do what a checkpoint is for: write, score, answer, fill, classify."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..training.load import run_folder
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.folders import make_folder
from ..utils.interrupt import Interrupt, exit_code
from ..utils.logging import log
from .labelling import MASK, answer, check_room, classify, fill
from .outputs import write_results
from .predictor import Predictor, load_predictor
from .quality import compare
from .reading import ROWS, Given, one_by_one, read_given
from .scoring import score
from .writing import Writing, prompt_ids, write, write_pieces


Summary = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done with the texts."""

    scored: bool = False
    quality: bool = False
    streamed: bool = False
    json: bool = False
    top: int = 3
    """Classes, or words for a hidden one."""

    def check(self, kind: str) -> None:
        """Raise InputError for what a model of this kind, or nobody, can do."""
        wishes = {
            "score": self.scored,
            "quality": self.quality,
            "stream": self.streamed,
        }
        names = [f"--{name}" for name, wished in wishes.items() if wished]
        if names and kind != "lm":
            raise InputError(
                f"{names[0]} is for language models; this checkpoint is for the task "
                f"{kind}"
            )
        names += ["--json"] if self.json and self.streamed else []
        if len(names) > 1:
            raise InputError(f"{' and '.join(names)} do not go together")
        if self.top < 1:
            raise InputError(f"--top {self.top}: must be 1 or more")


AS_USUAL, ALL_USUAL = Writing(), Wanted()


def infer(
    checkpoint: Path,
    prompt: str | None = None,
    source: Path | None = None,
    out: Path | None = None,
    how: Writing = AS_USUAL,
    wanted: Wanted = ALL_USUAL,
    device: str = "auto",
) -> Summary:
    """Gives what results.json holds; a text that is streamed goes to stdout.

    Raises InputError if nothing can start. A text that cannot be read is listed under
    "failures" with the reason, and the others are done.
    """
    predictor = load_predictor(checkpoint, pick_device(device))
    wanted.check(predictor.kind)
    how = how.settled(predictor.kind)
    given = read_given(prompt, source)
    out = out or (run_folder(checkpoint) or Path()) / "predictions"
    make_folder(out)
    summary: Summary = {"checkpoint": str(checkpoint), "task": predictor.kind}
    if wanted.scored:
        summary |= {"task": "score"} | _score_all(predictor, given)
    elif predictor.kind != "lm":
        summary |= _ask_all(predictor, one_by_one(given), how, wanted.top)
    else:
        given = given or Given("--prompt", "")
        ids = prompt_ids(predictor, given.text, given.place)
        summary["prompt"] = given.text
        if wanted.streamed:
            return _streamed(predictor, ids, how, summary, out)
        summary["texts"] = write(predictor, ids, how)
        if wanted.quality:
            texts = [one["text"] for one in summary["texts"]]
            summary["quality"] = compare(predictor, texts)
    return write_results(out, summary)


def _streamed(
    predictor: Predictor, ids: list[int], how: Writing, summary: Summary, out: Path
) -> Summary:
    """Show the text as it comes; what was written is kept however it ends."""
    pieces: list[str] = []
    coming = write_pieces(predictor, ids, how)
    summary["streamed"] = True
    interrupt = Interrupt()  # a flag: an exception would cut a piece that is printed
    try:
        with interrupt:
            print(summary["prompt"], end="", flush=True)
            for piece in coming:
                pieces.append(piece)
                print(piece, end="", flush=True)
                if interrupt.number:
                    break
            print()
    except BrokenPipeError:  # the reader has enough; click would make this exit 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        summary["texts"] = [{"text": "".join(pieces)}]
        write_results(out, summary)
    if interrupt.number:
        raise SystemExit(exit_code(interrupt.number))
    return summary


def _score_all(predictor: Predictor, given: Given | None) -> Summary:
    """Each line as a text of its own, and then all of them as one."""
    results, failures = [], []
    texts = one_by_one(given)
    if len(texts) > 1 and Path(given.place).suffix.lower() not in ROWS:
        texts.append(Given(f"{given.place} as one text", given.text))
    for one, ids in _encoded(predictor, texts, failures):
        results.append({"input": one.place} | score(predictor, ids))
    return {"results": results, "failures": failures}


def _ask_all(
    predictor: Predictor, given: list[Given], how: Writing, top: int
) -> Summary:
    failures: list[dict[str, str]] = []
    kept, rows = [], []
    for one, ids in _encoded(predictor, given, failures):
        kept.append(one)
        rows.append(ids)
    if predictor.kind == "classify":
        answers = classify(predictor, _cut(predictor, kept, rows), top)
    elif predictor.kind == "mlm":
        answers = [fill(predictor, ids, top) for ids in rows]
    else:
        answers = answer(predictor, rows, how)
    results = [
        {"input": one.place, "given": one.text} | found
        for one, found in zip(kept, answers, strict=True)
    ]
    return {"results": results, "failures": failures}


def _encoded(
    predictor: Predictor, given: list[Given], failures: list[dict[str, str]]
) -> Iterator[tuple[Given, list[int]]]:
    """Each text with its ids; one that cannot be read joins `failures`."""
    allowed = {MASK} & predictor.tokenizer.specials.keys()
    for one in given:
        try:
            ids = predictor.tokenizer.encode(one.text, allowed)
            check_room(predictor, ids, one.place)
        except InputError as error:
            reason = str(error).removeprefix(f"{one.place}: ")
            failures.append({"input": one.place, "reason": f"{one.place}: {reason}"})
            continue
        yield one, ids


def _cut(
    predictor: Predictor, given: list[Given], rows: list[list[int]]
) -> list[list[int]]:
    """As much of each text as a classifier sees; a warning counts the longer ones."""
    context = predictor.info.context
    long = [g.place for g, ids in zip(given, rows, strict=True) if len(ids) > context]
    if long:
        log.warning(
            f"{len(long)} of {len(rows)} texts have more than {context} tokens, the "
            f"context; the model sees their beginning. The first is {long[0]}"
        )
    return [ids[:context] for ids in rows]
