"""How a transcript came about, frame by frame and token by token, as tables."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.cif import CifOutput
from ..models.paraformer import Paraformer, Recognition
from ..models.sampler import sample_glances
from ..tokenizers import Tokenizer
from ..utils.lengths import length_mask
from ..utils.logging import table


TOP = 3
"""Guesses shown for each token."""


def frame_table(cif: CifOutput, names: Sequence[str], seconds: float) -> str:
    """Each encoder frame of the first utterance: its weight, the sum, what fired.

    A token fires in the frame in which the sum reaches its number; one that only the
    tail completes is named after the last frame.
    """
    rows, total, fired = [], 0.0, 0
    for frame, alpha in enumerate(cif.alphas[0].tolist()):
        total += alpha
        here = []
        while fired < len(names) and total >= fired + 1 - 1e-6:
            here.append(names[fired])
            fired += 1
        bar = "#" * round(20 * min(alpha, 1.0))
        rows.append((frame, frame * seconds, alpha, bar, total, " ".join(here)))
    for name in names[fired:]:
        rows.append(("tail", "", "", "", "", name))
    return table(rows, ("frame", "seconds", "alpha", "", "sum", "fired"))


def token_table(recognition: Recognition, tokenizer: Tokenizer, seconds: float) -> str:
    """Each token of the first utterance: its end, its best guesses, its entropy."""
    count = int(recognition.lengths[0])
    p = recognition.logits[0, :count].softmax(-1)
    entropy = -(p * p.clamp(min=1e-12).log()).sum(-1)
    best, ids = p.topk(min(TOP, p.shape[1]), -1)
    ends = recognition.cif.boundaries[0, :count] * seconds
    rows = []
    for u in range(count):
        guesses = [
            f"{name_of(tokenizer, i)} {share:.3f}"
            for i, share in zip(ids[u].tolist(), best[u].tolist(), strict=True)
        ]
        rows.append((u + 1, float(ends[u]), float(entropy[u]), *guesses))
    guess_names = ["best", "second", "third"][: best.shape[1]]
    return table(rows, ("token", "end s", "nats", *guess_names))


@torch.no_grad()
def glance_table(
    model: Paraformer, recognised: Recognition, tokens: Tensor, tokenizer: Tokenizer,
    ratio: float,
) -> str:  # fmt: skip
    """What training would have done with the true `tokens` of one utterance.

    The first pass guesses; `ratio` of its errors, anywhere in the utterance, are shown
    to the second; the columns say what that changed.
    """
    lengths = torch.tensor([len(tokens)])
    encoded, token_mask = recognised.encoded, length_mask(lengths, len(tokens))
    heard = model.predict(encoded, recognised.ctc_logits, tokens[None], lengths)
    first = model.decode(heard.embeds, lengths, encoded)
    guess = first.argmax(-1)
    true = model.embedding(tokens[None])
    random = torch.Generator().manual_seed(0)
    mixed = sample_glances(
        heard.embeds, true, guess, tokens[None], token_mask, ratio, random
    )
    second = model.decode(mixed, lengths, encoded)
    shown = (mixed != heard.embeds).any(-1)[0]
    rows = []
    for u, token in enumerate(tokens.tolist()):
        cells = [name_of(tokenizer, token)]
        for logits in (first, second):
            p = logits[0, u].softmax(-1)
            cells += [name_of(tokenizer, int(p.argmax())), float(p[token])]
        rows.append(
            (u + 1, cells[0], *cells[1:3], "shown" * bool(shown[u]), *cells[3:])
        )
    header = ("token", "true", "pass 1", "p(true)", "glance", "pass 2", "p(true)")
    return table(rows, header)


def name_of(tokenizer: Tokenizer, index: int) -> str:
    """The piece of an id; a space is seen."""
    return tokenizer.pieces[index].replace(" ", "_")
