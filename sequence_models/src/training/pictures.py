"""What a model makes of validation data, as a picture of text."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..generation.generate import generate
from ..losses import NOT_SCORED
from ..reasoning.reinforce import draw_answers
from ..tokenizers import Tokenizer
from ..utils.tensor_utils import to_device
from ..utils.text_picture import Piece, draw_text


SHOWN = 24
"""Samples of the validation data that are looked at."""
LETTERS = 700
"""Of a text, and of the sample below it."""
ATTEMPTS = 4
"""Answers shown to each question."""
RIGHT, WRONG = 0.15, 0.6
"""How deep guesses are coloured."""

Batch = dict[str, Tensor]


class Shown(NamedTuple):
    title: str
    legend: str
    paragraphs: Sequence[Sequence[Piece]]


@torch.no_grad()
def draw_predictions(setup, device: torch.device, path: Path, run: str = "") -> None:
    """The first validation data with what the model says of them.

    Text coloured by surprise and a sample of the model's own; hidden words filled in;
    answers to questions; classes.
    """
    dataset = setup.datasets["val"]
    batch = dataset.__getitems__([(0, i) for i in range(min(SHOWN, len(dataset)))])
    show = {"lm": _text, "mlm": _filled, "classify": _classes, "reason": _attempts}
    setup.model.eval()
    shown = show.get(setup.opened.kind, _answers)(setup, to_device(batch, device))
    title = f"{run} · {shown.title}".lstrip(" ·")
    draw_text(shown.paragraphs, path, title, shown.legend)


def _text(setup, batch: Batch) -> Shown:
    """The targets of consecutive windows, coloured by 1 - p; then a sample."""
    tokenizer, targets = setup.opened.tokenizer, batch["targets"]
    p = setup.task.logits(setup.model, batch).softmax(-1)
    p = p.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    scored = targets != NOT_SCORED
    pairs = zip(targets[scored].tolist(), p[scored].tolist(), strict=True)
    read = _beginning(
        Piece(tokenizer.decode([token]), round(1 - chance, 2))
        for token, chance in pairs
    )
    prompt = batch["tokens"][:1, :1]
    ids = torch.cat([prompt, generate(setup.model, prompt, LETTERS)], 1)[0]
    written = Piece(tokenizer.decode(ids.tolist())[:LETTERS])
    return Shown(
        "validation text, then a sample of the model",
        "the deeper the colour, the less probable the model held it",
        [read, [Piece("\n")], [written]],
    )


def _filled(setup, batch: Batch) -> Shown:
    """Consecutive windows with the model's guesses where a word was taken out."""
    tokenizer = setup.opened.tokenizer
    guess = setup.task.logits(setup.model, batch).argmax(-1)
    names = ("tokens", "targets", "pad_mask")
    rows = zip(guess, *(batch[name] for name in names), strict=True)

    def pieces(guess: Tensor, tokens: Tensor, targets: Tensor, real: Tensor):
        columns = (part[real].tolist() for part in (guess, tokens, targets))
        for found, token, true in zip(*columns, strict=True):
            if true == NOT_SCORED:
                yield Piece(tokenizer.decode([token]))
            else:
                depth = RIGHT if found == true else WRONG
                yield Piece(_named(tokenizer, [found]), depth)

    return Shown(
        "validation text with words that the model filled in",
        "coloured: was hidden or exchanged; deeply: the model is wrong",
        [_beginning(chain.from_iterable(pieces(*row) for row in rows))],
    )


def _answers(setup, batch: Batch) -> Shown:
    """One line each: the question, then the model's token at each place."""
    tokenizer, lines = setup.opened.tokenizer, []
    guess = setup.task.logits(setup.model, batch).argmax(-1)
    for row, targets in enumerate(batch["targets"]):
        scored = targets != NOT_SCORED
        if "source" in batch:
            question = batch["source"][row][batch["source_mask"][row]]
        else:  # it ends where the first token of the answer is to be foretold
            question = batch["tokens"][row][: int(scored.float().argmax()) + 1]
        line = [Piece(f"{_named(tokenizer, question.tolist())} -> ")]
        answer = zip(guess[row][scored].tolist(), targets[scored].tolist(), strict=True)
        for token, true in answer:
            depth = 0.0 if token == true else WRONG
            line.append(Piece(_named(tokenizer, [token]), depth))
        lines.append(line)
    return Shown("answers", "coloured: wrong (each token after the true ones)", lines)


def _attempts(setup, batch: Batch) -> Shown:
    """Held-out questions, each with its first answers, drawn as in the training."""
    problems, lines = setup.opened.problems["val"], []
    few = batch | {"uniform": batch["uniform"][:, :ATTEMPTS]}
    task, group = setup.task, few["uniform"].shape[1]
    rollouts, grades = draw_answers(setup.model, few, problems, task.tokenizer)
    for row, index in enumerate(batch["entry"].tolist()):
        line = [Piece(f"{problems[index]['question']}:")]
        for i in range(row * group, (row + 1) * group):
            depth = 0.0 if grades.outcome[i] == 1 else WRONG
            line += [Piece("  "), Piece(rollouts.responses[i], depth)]
        lines.append(line)
    return Shown("held-out questions and answers drawn", "coloured: wrong", lines)


def _classes(setup, batch: Batch) -> Shown:
    tokenizer, names = setup.opened.tokenizer, setup.opened.info.class_names
    logits = setup.model(batch["tokens"], batch["pad_mask"])
    shares, guess = logits.softmax(-1).max(-1)
    lines = []
    for row, (share, found) in enumerate(zip(shares, guess.tolist(), strict=True)):
        ids = batch["tokens"][row][batch["pad_mask"][row]].tolist()
        depth = 0.0 if found == batch["target"][row] else WRONG
        said = Piece(f"{names[found]} {share:.2f}", depth)
        text = _named(tokenizer, ids).replace("\n", " ")[:70]
        lines.append([said, Piece(f"  {text}")])
    return Shown("classes", "coloured: wrong", lines)


def _beginning(pieces: Iterable[Piece]) -> list[Piece]:
    """The first pieces that hold `LETTERS` letters together."""
    kept, used = [], 0
    for piece in pieces:
        kept.append(piece)
        used += len(piece.text)
        if used >= LETTERS:
            break
    return kept


def _named(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of `ids`; special tokens stand by their names."""
    names = {index: name for name, index in tokenizer.specials.items()}
    return "".join(names[i] if i in names else tokenizer.decode([i]) for i in ids)
