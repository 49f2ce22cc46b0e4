"""What the models that are no language models answer: classes, words, answers."""

from collections.abc import Sequence
from typing import Any

import torch

from ..generation.beam import beam_search
from ..generation.conditioned import Conditioned
from ..generation.generate import generate, require_numbers
from ..utils.errors import InputError
from .predictor import Predictor
from .writing import Writing, cut


BATCH = 64
MASK = "<|mask|>"
Answer = dict[str, Any]


@torch.inference_mode()
def classify(predictor: Predictor, rows: Sequence[list[int]], top: int) -> list[Answer]:
    """The likeliest classes of each text."""
    answers = []
    names = predictor.info.class_names
    for batch in _batches(rows):
        shares = predictor.model(*predictor.padded(batch)).double().softmax(1)
        require_numbers(shares)
        shares, classes = shares.topk(min(top, len(names)))
        for row, chosen in zip(shares.tolist(), classes.tolist(), strict=True):
            pairs = zip(chosen, row, strict=True)
            answers.append(
                {"top": [{"class": names[c], "probability": p} for c, p in pairs]}
            )
    return answers


@torch.inference_mode()
def fill(predictor: Predictor, ids: list[int], top: int) -> Answer:
    """The likeliest tokens for each hidden one, and the text with the first of them."""
    mask = predictor.special(MASK)
    tokens, real = predictor.padded([ids])
    logits = predictor.model(tokens, real)[0].double()
    specials = list(predictor.tokenizer.specials.values())
    logits[:, specials] = -torch.inf  # what is hidden is text
    shares = logits.softmax(1)
    require_numbers(shares)
    shares, best = shares.topk(min(top, predictor.info.vocab - len(specials)))
    places = [place for place, one in enumerate(ids) if one == mask]
    filled = list(ids)
    for place in places:
        filled[place] = int(best[place, 0])
    masks = [
        [
            {"token": predictor.tokenizer.decode([one]), "probability": share}
            for one, share in zip(
                best[place].tolist(), shares[place].tolist(), strict=True
            )
        ]
        for place in places
    ]
    return {"text": predictor.text(filled), "masks": masks}


def answer(
    predictor: Predictor, rows: Sequence[list[int]], how: Writing
) -> list[Answer]:
    """What an encoder-decoder, or a decoder after <|sep|>, answers to each question."""
    answers = []
    for batch in _batches(rows, 1 if how.beam else BATCH):
        answers += [
            {"answer": predictor.text(cut(tokens, predictor.ends))}
            for tokens in _answers(predictor, batch, how)
        ]
    return answers


def check_room(predictor: Predictor, ids: list[int], place: str) -> None:
    """Raise InputError for a text that this model cannot read."""
    if not ids:
        raise InputError(f"{place}: is empty; give a text")
    if predictor.kind in ("lm", "classify"):  # read in windows; cut
        return
    context = predictor.info.context
    extra = 2 if predictor.kind == "answer" else 0  # BOS and SEP
    if len(ids) + extra > context:
        raise InputError(
            f"{place}: {len(ids) + extra} tokens are more than the context of "
            f"{context}. Give a shorter text"
        )
    if predictor.kind == "mlm" and predictor.special(MASK) not in ids:
        raise InputError(
            f"{place}: hides nothing; write {MASK} for what is to be found"
        )


@torch.inference_mode()
def _answers(
    predictor: Predictor, rows: Sequence[list[int]], how: Writing
) -> list[list[int]]:
    bos, sep = predictor.special("<|bos|>"), predictor.special("<|sep|>")
    if predictor.kind == "pairs":
        model = Conditioned(predictor.model, *predictor.padded(rows))
        prompts, lengths = predictor.tensor([[bos]] * len(rows)), None
        room = predictor.info.context - 1
    else:
        model = predictor.model
        prompts, real = predictor.padded([[bos, *row, sep] for row in rows])
        lengths, room = real.sum(1), how.length
    count = min(how.length, room)
    if how.beam:
        beams = beam_search(
            model,
            prompts[0],
            count,
            how.beam,
            stop=predictor.ends,
            penalties=how.sampling,
        )
        return [beams[0].tokens]
    return generate(
        model,
        prompts,
        count,
        how.sampling,
        seed=how.seed,
        lengths=lengths,
        stop=predictor.ends,
    ).tolist()


def _batches(rows: Sequence[list[int]], size: int = BATCH) -> list[Sequence[list[int]]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
