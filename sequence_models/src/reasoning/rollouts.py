"""Answers drawn from a model to learn from, and how likely each of their tokens was.

A line is BOS question SEP response EOS PAD... Lines that are equal so far are one row
to the model: a prompt is read once for all answers of its group, and answers part where
they first differ. A model that has learnt something repeats itself, so that 16 answers
are often 4 lines; both functions cost what the distinct lines cost.
"""

from functools import cache
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..generation.generate import evaluating, reorder_memory, require_numbers
from ..generation.sampling import PLAIN, Sampling, next_token
from ..tokenizers import Tokenizer
from ..utils.contracts import contract


class Rollouts(NamedTuple):
    """Lines, the answers to one prompt one after another."""

    tokens: Int[Tensor, "rollouts time"]
    scored: Bool[Tensor, "rollouts time"]
    """True at the response, its EOS included: at what the model wrote."""
    responses: list[str]
    """Without EOS; another special token in it stands there by its name."""
    ended: Bool[Tensor, " rollouts"]
    """Whether EOS came within `count` tokens."""


@contract
def roll_out(
    model: nn.Module,
    prompt: Int[Tensor, "batch past"],
    lengths: Int[Tensor, " batch"],
    uniform: Float[Tensor, "batch group count"],
    tokenizer: Tokenizer,
    sampling: Sampling = PLAIN,
) -> Rollouts:
    """`group` answers of at most `count` tokens to each prompt; row b group + g.

    They are what `generate` would draw with these numbers in [0, 1) for each row alone.
    Right of its `lengths` a prompt is not read. The model is put into evaluation mode
    meanwhile. Raises ValueError where a prompt and its answers do not fit its context,
    FaultError if it gives NaN.
    """
    _check(model, prompt, lengths, uniform)
    batch, time = prompt.shape
    group, count = uniform.shape[1:]
    pad, eos = tokenizer.specials["<|pad|>"], tokenizer.specials["<|eos|>"]
    tokens = prompt.new_full((batch, group, time + count), pad, dtype=torch.long)
    scored = torch.zeros_like(tokens, dtype=torch.bool)
    with evaluating(model), torch.inference_mode():
        for length in lengths.unique().tolist():  # a pass for each length of a prompt
            rows = (lengths == length).nonzero()[:, 0]
            begun = prompt[rows, :length].long()
            answers = _answer(model, begun, uniform[rows], eos, sampling)
            end = (answers == eos).long()
            real = end.cumsum(-1) - end == 0  # no EOS before it
            tokens[rows, :, :length] = begun[:, None]
            tokens[rows, :, length : length + count] = answers.where(real, pad)
            scored[rows, :, length : length + count] = real
    tokens, scored = tokens.flatten(0, 1), scored.flatten(0, 1)
    end = scored & (tokens == eos)
    starts = lengths.repeat_interleave(group)
    ends = (starts + (scored & ~end).sum(1)).tolist()
    lines = zip(tokens.tolist(), starts.tolist(), ends, strict=True)
    decode = cache(tokenizer.decode)
    responses = [decode(tuple(line[start:end])) for line, start, end in lines]
    return Rollouts(tokens, scored, responses, end.any(1))


@contract
def log_probs(
    model: nn.Module, rollouts: Rollouts
) -> tuple[Float[Tensor, "rollouts time"], Float[Tensor, "rollouts time"]]:
    """The log-probability of each scored token, with gradient, and the entropy there.

    Both are of the model's own distribution (temperature 1) given the tokens before,
    and 0 where nothing is scored. The entropy, in nats, has no gradient. Equal lines
    share their dropout, if there is any. Raises ValueError if the first token of a line
    is scored: nothing stands before it.
    """
    tokens, scored, row = distinct(rollouts)
    if scored[:, 0].any():
        raise ValueError("the first token of a line is scored: it is not drawn")
    line, place = scored.nonzero(as_tuple=True)
    last = int(place.max()) if len(place) else 1
    logits, _ = model(tokens[:, :last])
    shares = logits[line, place - 1].log_softmax(-1)
    own = shares.gather(1, tokens[line, place][:, None])[:, 0]
    entropy = torch.special.entr(shares.detach().exp()).sum(1)
    empty = own.new_zeros(tokens.shape)
    given, spread = (empty.index_put((line, place), x) for x in (own, entropy))
    # Unlike that of `given[row]`, the gradient adds up in the same order every time.
    return given.index_select(0, row), spread.index_select(0, row)


@contract
def distinct(
    rollouts: Rollouts,
) -> tuple[
    Int[Tensor, "lines time"], Bool[Tensor, "lines time"], Int[Tensor, " rollouts"]
]:
    """Tokens and scored places of the lines that differ, and which of them each is."""
    time = rollouts.tokens.shape[1]
    joined = torch.cat((rollouts.tokens, rollouts.scored.long()), 1)
    lines, row = joined.unique(dim=0, return_inverse=True)
    return lines[:, :time], lines[:, time:].bool(), row


def _check(model: nn.Module, prompt: Tensor, lengths: Tensor, uniform: Tensor) -> None:
    known, count = lengths.tolist(), uniform.shape[2]
    if not all(1 <= length <= prompt.shape[1] for length in known):
        raise ValueError(f"prompts of {known} tokens do not fit 1..{prompt.shape[1]}")
    needed = max(known, default=1) + count - 1  # the last token is not read
    if model.context is not None and needed > model.context:
        raise ValueError(
            f"a prompt of {max(known)} tokens and {count} of its answer do not fit the "
            f"model, which reads {model.context}: it needs a context of {needed}"
        )
    if not ((uniform >= 0) & (uniform < 1)).all():
        raise ValueError("a number to draw with is outside of [0, 1)")


def _answer(
    model: nn.Module, prompt: Tensor, uniform: Tensor, eos: int, sampling: Sampling
) -> Tensor:
    """(batch, group, count) tokens behind prompts of one length; EOS behind EOS."""
    (batch, length), (group, count) = prompt.shape, uniform.shape[1:]
    logits, memory = model(prompt, model.new_memory(batch, length + count))
    require_numbers(logits[:, -1])
    # Row r is the line[r]-th of those that the model has read; `going` have no EOS yet.
    line = torch.arange(batch, device=prompt.device).repeat_interleave(group)
    going = torch.arange(batch * group, device=prompt.device)
    tokens = torch.cat((prompt[line], prompt.new_full((len(line), count), eos)), 1)
    numbers = uniform.flatten(0, 1)
    for place in range(length, length + count):
        past, number = tokens[going, :place], numbers[going, place - length]
        column = next_token(logits[line, -1], past, number, sampling)
        tokens[going, place] = column
        goes_on = column != eos
        going, line, column = going[goes_on], line[goes_on], column[goes_on]
        if place + 1 == length + count or not len(going):
            break
        # Rows part where they first differ, and then have a line each.
        pairs, line = (line * model.vocab + column).unique(return_inverse=True)
        memory = reorder_memory(memory, pairs // model.vocab)
        logits, memory = model((pairs % model.vocab)[:, None], memory)
    return tokens[:, length:].unflatten(0, (batch, group))
