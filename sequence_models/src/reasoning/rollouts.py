"""Answers drawn from a model to learn from, and how likely each of their tokens was.

A line is BOS question SEP response EOS PAD... A prompt, up to SEP, is read once: the
memory of it is repeated for all answers of its group.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..generation.generate import evaluating, reorder_memory, require_numbers
from ..generation.sampling import PLAIN, Sampling, next_token
from ..tokenizers import Tokenizer
from ..utils.contracts import contract


class Rollouts(NamedTuple):
    """Lines, the answers of one prompt one after another."""

    tokens: Int[Tensor, "rollouts time"]
    scored: Bool[Tensor, "rollouts time"]
    """True at the response, its EOS included: at what the model wrote."""
    responses: list[str]
    """Without EOS; another special token in it stands there by its name."""
    ended: Bool[Tensor, " rollouts"]


@contract
def roll_out(
    model: nn.Module,
    prompt: Int[Tensor, "batch time"],
    lengths: Int[Tensor, " batch"],
    uniform: Float[Tensor, "batch group count"],
    tokenizer: Tokenizer,
    sampling: Sampling = PLAIN,
) -> Rollouts:
    """`group` answers of at most `count` tokens to each prompt; row b group + g.

    They are what `generate` would draw with the numbers `uniform`, in [0, 1). Right of
    its `lengths` a prompt is not read. Raises ValueError where a prompt and its answer
    do not fit the model's context, FaultError if the model gives NaN.
    """
    batch, time = prompt.shape
    group, count = uniform.shape[1:]
    _check(model, prompt, lengths, uniform)
    pad, eos = tokenizer.specials["<|pad|>"], tokenizer.specials["<|eos|>"]
    tokens = prompt.new_full((batch, group, time + count), pad)
    scored = torch.zeros_like(tokens, dtype=torch.bool)
    with evaluating(model), torch.inference_mode():
        for length in lengths.unique().tolist():  # those of a length together
            rows = (lengths == length).nonzero()[:, 0]
            begun = prompt[rows, :length]
            answers = _answer(model, begun, uniform[rows], eos, sampling)
            tokens[rows, :, :length] = begun[:, None].to(tokens.dtype)
            end = (answers == eos).long()
            real = end.cumsum(-1) - end == 0
            tokens[rows, :, length : length + count] = answers.where(real, pad)
            scored[rows, :, length : length + count] = real
    tokens, scored = tokens.flatten(0, 1), scored.flatten(0, 1)
    ended = ((tokens == eos) & scored).any(1)
    inside = scored & (tokens != eos)
    responses = [
        tokenizer.decode(row[here])
        for row, here in zip(tokens.cpu(), inside.cpu(), strict=True)
    ]
    return Rollouts(tokens, scored, responses, ended)


@contract
def log_probs(
    model: nn.Module, rollouts: Rollouts
) -> tuple[Float[Tensor, "rollouts time"], Float[Tensor, "rollouts time"]]:
    """The log-probability of each scored token, with gradient, and the entropy there.

    Both are of the model's own distribution (temperature 1) given what stands before
    the token, and 0 where nothing is scored. The entropy, in nats, has no gradient.
    """
    tokens, scored = rollouts.tokens, rollouts.scored
    longest = int(scored.any(0).nonzero().max()) + 1 if scored.any() else 1
    logits, _ = model(tokens[:, : longest - 1])
    rows, places = scored[:, 1:longest].nonzero(as_tuple=True)
    shares = logits[rows, places].log_softmax(-1)
    own = shares.gather(1, tokens[rows, places + 1][:, None])[:, 0]
    with torch.no_grad():
        spread = torch.special.entr(shares.exp()).sum(1)
    shape, where = tokens.shape, (rows, places + 1)
    return (
        own.new_zeros(shape).index_put(where, own),
        own.new_zeros(shape).index_put(where, spread),
    )


def _check(model: nn.Module, prompt: Tensor, lengths: Tensor, uniform: Tensor) -> None:
    longest = int(lengths.max())
    if not 1 <= int(lengths.min()) <= longest <= prompt.shape[1]:
        raise ValueError(f"prompts of {lengths.tolist()} tokens: 1..{prompt.shape[1]}")
    needed = longest + uniform.shape[2] - 1
    if model.context is not None and needed > model.context:
        raise ValueError(
            f"a prompt of {longest} tokens and an answer of {uniform.shape[2]} do not "
            f"fit the model's context of {model.context}"
        )


def _answer(
    model: nn.Module, prompt: Tensor, uniform: Tensor, eos: int, sampling: Sampling
) -> Tensor:
    """(batch, group, count) tokens behind prompts of one length; any after EOS."""
    batch, length = prompt.shape
    group, count = uniform.shape[1:]
    memory: Any = model.new_memory(batch, length + count - 1)
    logits, memory = model(prompt, memory)
    require_numbers(logits[:, -1])
    rows = torch.arange(batch, device=prompt.device).repeat_interleave(group)
    logits, memory = logits[rows, -1], reorder_memory(memory, rows)
    tokens = torch.cat((prompt[rows], prompt.new_full((len(rows), count), eos)), 1)
    numbers = uniform.flatten(0, 1).unbind(1)
    done = torch.zeros(len(rows), dtype=torch.bool, device=prompt.device)
    for place, number in enumerate(numbers, length):
        column = next_token(logits, tokens[:, :place], number, sampling)
        tokens[:, place] = column
        done |= column == eos
        if place + 1 == length + count or bool(done.all()):
            break
        logits, memory = model(column[:, None], memory)
        logits = logits[:, -1]
    return tokens[:, length:].view(batch, group, count)
