"""Does a language model see what it is asked for? Four tests, none of them the loss.

A model that sees the next token gets 99.9 % of them right, and writes nonsense when it
has to go without. Its loss looks like success; these do not:

1. d logit_t / d embedding_s is exactly zero for every s > t.
2. Other tokens after t leave the logits up to t as they were.
3. The validation text does not stand in the training text.
4. The target of each token is the token after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..data.overlap import ngram_overlap
from ..data.windows import IGNORED
from ..generation.generate import evaluating
from ..tokenizers import Tokenizer
from ..training.load import load_model, reopen_data
from ..utils.contracts import contract
from ..utils.errors import InputError


LONGEST = 64  # tokens of the row that is looked at; costs grow with its square
RUN = 100  # bytes: shorter runs are shared by texts that have the same author
MOST_SHARED = 0.1  # of the validation's runs of 100 bytes; the toy stories have 0.013
MOST_TOKENS = 20_000_000  # of the training text, from its end: about 1 GB


class Finding(NamedTuple):
    check: str
    leaks: bool | None
    """None: it could not be checked."""
    said: str


def check_leaks(checkpoint: Path | str, data: str = "default") -> dict[str, Any]:
    """All four tests on a checkpoint; `data` none: only those of the model.

    Gives plain values: "leaks" and the findings. Raises InputError for a model that is
    meant to see the future, and for data that is not here.
    """
    if data not in ("default", "none"):
        raise InputError(
            f"data = {data}: default, the data of the checkpoint, or none, to look at "
            "the model alone"
        )
    loaded = load_model(checkpoint)
    if loaded.config.task not in ("lm", "answer"):
        raise InputError(
            f"{checkpoint}: its task is {loaded.config.task}, which sees whole texts "
            "by design; the check is for the tasks lm and answer"
        )
    vocab = loaded.info.vocab
    tokens = torch.randint(
        vocab, (LONGEST,), generator=torch.Generator().manual_seed(0)
    )
    findings = []
    if data == "default":
        datasets = reopen_data(loaded).datasets
        findings = [check_overlap(loaded.tokenizer, datasets), check_targets(datasets)]
        batch = _first_batch(datasets["val"])
        tokens = batch["tokens"][0]
    time = min(len(tokens), LONGEST, loaded.model.context or LONGEST)
    findings = check_model(loaded.model, tokens[:time]) + findings
    return {
        "checkpoint": str(checkpoint),
        "leaks": any(finding.leaks for finding in findings),
        "findings": [finding._asdict() for finding in findings],
    }


@contract
def check_model(model: nn.Module, tokens: Int[Tensor, " time"]) -> list[Finding]:
    """The first two tests, of any causal language model."""
    return [_gradient(model, tokens), _future(model, tokens)]


@contract
def gradients_between(
    model: nn.Module, tokens: Int[Tensor, " time"]
) -> Float[Tensor, "time time"]:
    """Entry (t, s): the greatest |d logit_t / d embedding_s|, along a random direction.

    One pass: row t of a batch of equal rows is asked for logit t alone. ValueError if
    the model has no `nn.Embedding` that is given the tokens.
    """
    time = len(tokens)
    rows, diagonal = tokens.expand(time, time), torch.arange(time)
    with evaluating(model), torch.enable_grad(), _leaves(model, rows.shape) as leaves:
        logits = model(rows)[0][diagonal, diagonal]
        if not leaves:
            raise ValueError("no nn.Embedding of the model was given the tokens")
        source = torch.Generator().manual_seed(0)
        weight = torch.randn(logits.shape, generator=source).to(logits)
        grads = torch.autograd.grad(
            (logits * weight).sum(), leaves, materialize_grads=True
        )
    return torch.stack([grad.abs().amax(-1) for grad in grads]).amax(0)


@contract
def changes_behind(
    model: nn.Module, tokens: Int[Tensor, " time"]
) -> Float[Tensor, " time"]:
    """Entry t: how far logits up to t move when every token after t is another.

    Relative to the largest logit. The last entry, where nothing is changed, is zero.
    """
    time, place = len(tokens), torch.arange(len(tokens))
    source = torch.Generator().manual_seed(0)
    other = tokens + torch.randint(1, model.vocab, (time, time), generator=source)
    after = place > place[:, None]  # (t, s): s > t
    rows = torch.where(after, other % model.vocab, tokens)
    with evaluating(model), torch.no_grad():
        logits = model(rows)[0]
    moved = (logits - logits[-1]).abs().amax(-1)  # (t, s); the last row is unchanged
    return moved.masked_fill(after, 0).amax(1) / logits[-1].abs().max().clamp(min=1e-30)


def check_overlap(tokenizer: Tokenizer, datasets: dict[str, Any]) -> Finding:
    """How much of the validation text stands in the training text, in long runs."""
    name = "validation text in the training text"
    parts = [getattr(datasets[split], "tokens", None) for split in ("train", "val")]
    if any(part is None for part in parts):
        return Finding(name, None, "these data are not one text")
    train, val = (np.asarray(part[-MOST_TOKENS:]) for part in parts)
    lengths = np.array([len(piece) for piece in tokenizer.token_bytes()])
    n = max(2, round(RUN / max(lengths[val].mean(), 1e-9)))
    share = ngram_overlap(train, val, n)
    if np.isnan(share):
        return Finding(name, None, f"it is shorter than {n} tokens")
    text = f"{share:.1%} of its runs of {n} tokens (about {RUN} bytes)"
    return Finding(name, share > MOST_SHARED, f"{text}; at most {MOST_SHARED:.0%}")


def check_targets(datasets: dict[str, Any]) -> Finding:
    """Whether the targets are the tokens, one further, where they are scored."""
    name, pairs = "targets are the next tokens", 0
    for split, dataset in datasets.items():
        batch = _first_batch(dataset)
        tokens, targets = batch["tokens"], batch["targets"]
        scored = targets != IGNORED
        if scored.any() and torch.equal(tokens[scored], targets[scored]):
            return Finding(name, True, f"{split}: they are the tokens themselves")
        scored = scored[:, :-1]
        if "document" in batch:  # what ends one is not what begins the next
            scored = scored & (batch["document"].diff(dim=1) == 0)
        wrong = scored & (targets[:, :-1] != tokens[:, 1:])
        if wrong.any():
            row, place = wrong.nonzero()[0].tolist()
            said = f"{split}: that of row {row}, token {place} is not the next"
            return Finding(name, True, said)
        pairs += int(scored.sum())
    return Finding(name, False, f"{pairs} pairs of {', '.join(datasets)}")


def format_report(report: dict[str, Any]) -> str:
    """A table for people, with the verdict below it."""
    words = {True: "LEAKS", False: "ok", None: "-"}
    rows = [Finding(**finding) for finding in report["findings"]]
    width = max(len(row.check) for row in rows)
    lines = [f"{r.check:<{width}}  {words[r.leaks]:<5}  {r.said}" for r in rows]
    named = "; ".join(row.check for row in rows if row.leaks)
    verdict = f"IT LEAKS: {named}" if report["leaks"] else "no leak found"
    return "\n".join([*lines, "", f"verdict  {verdict}"])


def _gradient(model: nn.Module, tokens: Tensor) -> Finding:
    name = "gradient of logit t at inputs after t"
    try:
        grads = gradients_between(model, tokens)
    except ValueError as error:
        return Finding(name, None, str(error))
    ahead = grads.triu(1)
    if not (ahead != 0).any():  # NaN is not zero either
        return Finding(name, False, f"exactly 0 for all t of {len(tokens)}")
    t, s = (ahead != 0).nonzero()[0].tolist()
    said = f"logit {t} depends on input {s}: {ahead[t, s]:.3g}"
    return Finding(name, True, f"{said} (on input {t}: {grads[t, t]:.3g})")


def _future(model: nn.Module, tokens: Tensor) -> Finding:
    moved = changes_behind(model, tokens)
    worst = moved.max().item()
    # Rows of one batch may be rounded differently; a leak moves logits by percents.
    leaks = not worst <= 1e-4
    said = f"logits move by {worst:.2g} of the largest; at most 1e-04"
    return Finding("other tokens after t, logits up to t", leaks, said)


def _first_batch(dataset: Any) -> dict[str, Tensor]:
    count = min(len(dataset), 8)
    return dataset.__getitems__([(0, index) for index in range(count)])


@contextmanager
def _leaves(model: nn.Module, shape: torch.Size) -> Iterator[list[Tensor]]:
    """What embeddings make of tokens of this shape, cut off: gradients end there."""
    leaves: list[Tensor] = []

    def cut(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        if given[0].shape != shape:
            return out
        leaves.append(out.detach().requires_grad_())
        return leaves[-1]

    embeddings = (m for m in model.modules() if isinstance(m, nn.Embedding))
    handles = [embedding.register_forward_hook(cut) for embedding in embeddings]
    try:
        yield leaves
    finally:
        for handle in handles:
            handle.remove()
