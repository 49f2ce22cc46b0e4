"""What a model makes of validation data, as a picture of text."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..generation.generate import generate
from ..losses import NOT_SCORED
from ..tokenizers import Tokenizer
from ..utils.text_picture import Piece, draw_text
from .tasks import ClassifyTask, PairsTask


SHOWN = 24
"""Texts, questions or classes in a picture."""
LETTERS = 700
"""Of a text, and of the sample below it."""


@torch.no_grad()
def draw_predictions(setup, device: torch.device, path: Path, run: str = "") -> None:
    """Validation text coloured by surprise, and what the model would write itself."""
    dataset, model = setup.datasets["val"], setup.model.eval()
    batch = dataset.__getitems__([(0, i) for i in range(min(SHOWN, len(dataset)))])
    batch = {name: value.to(device) for name, value in batch.items()}
    task, tokenizer = setup.task, setup.opened.tokenizer
    if isinstance(task, ClassifyTask):
        names = setup.opened.info.class_names
        lines = _classes(model, batch, tokenizer, names)
        title, legend = "classes", "coloured: wrong"
    else:
        logits = task.logits(model, batch)
        if setup.opened.kind == "lm":
            lines = [*_surprise(logits, batch, tokenizer), [Piece("\n")]]
            lines.append([Piece(_sample(model, batch, tokenizer))])
            title = "validation text, then a sample of the model"
            legend = (
                "the deeper the colour, the less probable the model held the letter"
            )
        else:
            lines = _answers(logits, batch, tokenizer, isinstance(task, PairsTask))
            title, legend = (
                "answers",
                "coloured: wrong (each token after the true ones)",
            )
    draw_text(lines, path, f"{run} · {title}".lstrip(" ·"), legend)


def _surprise(
    logits: Tensor, batch: dict[str, Tensor], tokenizer: Tokenizer
) -> Iterator[list[Piece]]:
    """The targets of consecutive windows, with 1 - p as their surprise."""
    targets, pieces, used = batch["targets"], [], 0
    chance = logits.softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    scored = targets != NOT_SCORED
    for token, p in zip(targets[scored].tolist(), chance[scored].tolist(), strict=True):
        text = tokenizer.decode([token])
        pieces.append(Piece(text, round(1 - p, 2)))
        used += len(text)
        if used >= LETTERS:
            break
    yield pieces


def _sample(
    model: torch.nn.Module, batch: dict[str, Tensor], tokenizer: Tokenizer
) -> str:
    prompt = batch["tokens"][:1, :1]
    ids = torch.cat([prompt, generate(model, prompt, LETTERS)], 1)
    return tokenizer.decode(ids[0].tolist())[:LETTERS]


def _answers(
    logits: Tensor, batch: dict[str, Tensor], tokenizer: Tokenizer, pairs: bool
) -> list[list[Piece]]:
    """One line each: the question or text, then the model's token at each place."""
    lines, guess = [], logits.argmax(-1)
    for row, targets in enumerate(batch["targets"]):
        scored = targets != NOT_SCORED
        read = batch["source" if pairs else "tokens"][row]
        if pairs:
            read = read[batch["source_mask"][row]]
        elif "pad_mask" in batch:
            read = read[batch["pad_mask"][row]]
        else:
            read = read[: int(scored.float().argmax()) + 1]
        line = [Piece(f"{_shown(tokenizer, read)} -> ")]
        for token, true in zip(guess[row][scored], targets[scored], strict=True):
            wrong = 0.6 if token != true else 0.0
            line.append(Piece(_shown(tokenizer, token[None]), wrong))
        lines.append(line)
    return lines


def _classes(
    model: torch.nn.Module,
    batch: dict[str, Tensor],
    tokenizer: Tokenizer,
    names: tuple[str, ...],
) -> list[list[Piece]]:
    shares, guess = model(batch["tokens"], batch["pad_mask"]).softmax(-1).max(-1)
    lines = []
    for row, (share, found) in enumerate(zip(shares, guess.tolist(), strict=True)):
        text = _shown(tokenizer, batch["tokens"][row][batch["pad_mask"][row]])
        wrong = 0.0 if found == batch["target"][row] else 0.6
        said = Piece(f"{names[found]} {share:.2f}", wrong)
        lines.append([said, Piece("  " + text.replace("\n", " ")[:70])])
    return lines


def _shown(tokenizer: Tokenizer, ids: Tensor) -> str:
    """Special tokens stand by their names."""
    names = {index: name for name, index in tokenizer.specials.items()}
    ids = ids.tolist()
    return "".join(names[i] if i in names else tokenizer.decode([i]) for i in ids)
