"""Texts from the frame-wise probabilities of CTC (Graves et al. 2006, section 3).

A path names a token or the blank at each frame; merging what is repeated and then
dropping the blanks makes it a text. `ctc_greedy` takes the likeliest path;
`ctc_prefix_beam` sums over the paths of each text (Hannun et al. 2014, arXiv 1408.2873,
algorithm 1), exactly where the beam loses no text.
"""

from collections.abc import Iterable
from heapq import nlargest
from math import exp, inf, log1p
from operator import itemgetter

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .greedy import Hypothesis, checked_log_softmax
from .scorer import Scorer, Together


NEVER = -inf


@contract
def ctc_greedy(
    log_probs: Float[Tensor, "batch time vocab"],
    lengths: Int[Tensor, " batch"],
    *,
    blank: int = 0,
) -> list[Hypothesis]:
    """The text of the likeliest path; its score is that path's log-probability.

    The confidence of a token is the highest probability among its frames.
    """
    best, path = checked_log_softmax(log_probs, lengths).max(-1)
    return [
        _collapse(tokens[:length], logs[:length], blank)
        for tokens, logs, length in zip(
            path.tolist(), best.tolist(), lengths.tolist(), strict=True
        )
    ]


@contract
def ctc_prefix_beam(
    log_probs: Float[Tensor, "batch time vocab"],
    lengths: Int[Tensor, " batch"],
    width: int = 10,
    *,
    lm: Scorer | None = None,
    context: Scorer | None = None,
    top_k: int = 10,
    blank: int = 0,
) -> list[list[Hypothesis]]:
    """Up to `width` texts of each utterance, the best first.

    The score is log p of the text, summed over all its paths that the beam kept, with
    what `lm` and `context` add. Of each frame the `top_k` likeliest tokens are tried, 0
    for all, and the blank always. Frames and confidences are those of the text's best
    path.
    """
    if width < 1 or top_k < 0:
        raise ValueError(f"width = {width}, top_k = {top_k}: must be at least 1 and 0")
    log_probs = checked_log_softmax(log_probs, lengths)
    vocab = log_probs.shape[2]
    values, tokens = log_probs.topk(min(top_k or vocab, vocab), -1)
    found = []
    for row, length in enumerate(lengths.tolist()):
        frames = zip(
            log_probs[row, :length, blank].tolist(),
            values[row, :length].tolist(),
            tokens[row, :length].tolist(),
            strict=True,
        )
        texts = _search(frames, width, Together(lm, context), blank)
        probs = log_probs[row, :length].double().cpu().numpy()
        found.append(_on_best_path(texts, probs, blank))
    return found


class _Prefix:
    """A text so far: a node of the tree of all that were met.

    `ends_blank` and `ends_token` are log p of its paths up to the last frame, by what
    they end with; the `next_` ones are those up to the frame in work.
    """

    __slots__ = (
        "token", "before", "longer", "state", "extra",
        "ends_blank", "ends_token", "next_blank", "next_token",
    )  # fmt: skip

    def __init__(self, token: int, before: "_Prefix | None", state, extra: float):
        self.token, self.before, self.state, self.extra = token, before, state, extra
        self.longer: dict[int, _Prefix] = {}
        self.ends_blank = self.ends_token = NEVER
        self.next_blank = self.next_token = NEVER

    def extend(self, token: int, scorers: Together) -> "_Prefix":
        """The text with one token more; the same object each time."""
        node = self.longer.get(token)
        if node is None:
            state, added = scorers.step(self.state, token)
            node = _Prefix(token, self, state, self.extra + added)
            self.longer[token] = node
        return node

    def tokens(self) -> list[int]:
        found, node = [], self
        while node.before is not None:
            found.append(node.token)
            node = node.before
        return found[::-1]


def _search(
    frames: Iterable[tuple[float, list[float], list[int]]],
    width: int,
    scorers: Together,
    blank: int,
) -> list[tuple[list[int], float]]:
    """Tokens and score of the best texts.

    A frame is log p of the blank, and log p and ids of the tokens to try.
    """
    root = _Prefix(-1, None, scorers.start(), 0.0)
    root.ends_blank = 0.0
    beam = [root]
    for blank_log, logs, tokens in frames:
        met = dict.fromkeys(beam)  # a set that keeps the order: ties fall alike
        for node in beam:
            total = _add(node.ends_blank, node.ends_token)
            node.next_blank = total + blank_log
            for log, token in zip(logs, tokens, strict=True):
                start = total
                if token == blank:
                    continue
                if token == node.token:
                    # Without a blank between, it is the same token said for longer.
                    node.next_token = _add(node.next_token, node.ends_token + log)
                    start = node.ends_blank
                if start + log > NEVER:
                    longer = node.extend(token, scorers)
                    longer.next_token = _add(longer.next_token, start + log)
                    met[longer] = None
        beam = _best(met, width)
    ended = [(_total(node) + scorers.finish(node.state), node) for node in beam]
    ended.sort(key=itemgetter(0), reverse=True)
    return [(node.tokens(), score) for score, node in ended]


def _best(met: Iterable[_Prefix], width: int) -> list[_Prefix]:
    """Go on to the next frame, with the best of the texts that are possible at all."""
    possible = []
    for node in met:
        node.ends_blank, node.ends_token = node.next_blank, node.next_token
        node.next_blank = node.next_token = NEVER
        if node.ends_blank > NEVER or node.ends_token > NEVER:
            possible.append((_total(node), node))
    return [node for _, node in nlargest(width, possible, key=itemgetter(0))]


def _total(node: _Prefix) -> float:
    return _add(node.ends_blank, node.ends_token) + node.extra


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + log1p(exp(b - a))


def _on_best_path(
    texts: list[tuple[list[int], float]], log_probs: np.ndarray, blank: int
) -> list[Hypothesis]:
    """With the frames at which the tokens begin on each text's likeliest path."""
    paths = best_paths([tokens for tokens, _ in texts], log_probs, blank)
    found = []
    for (tokens, score), path in zip(texts, paths, strict=True):
        frames, confidence = [], [0.0] * len(tokens)
        for frame, place in enumerate(path):
            if place < 0:
                continue
            if place == len(frames):
                frames.append(frame)
            p = exp(log_probs[frame, tokens[place]])
            confidence[place] = max(confidence[place], p)
        found.append(Hypothesis(tokens, score, confidence, frames))
    return found


def _collapse(path: list[int], logs: list[float], blank: int) -> Hypothesis:
    tokens, frames, confidence = [], [], []
    before = blank
    for frame, token in enumerate(path):
        if token != blank and token == before:
            confidence[-1] = max(confidence[-1], exp(logs[frame]))
        elif token != blank:
            tokens.append(token)
            frames.append(frame)
            confidence.append(exp(logs[frame]))
        before = token
    return Hypothesis(tokens, sum(logs, 0.0), confidence, frames)


def best_paths(
    texts: list[list[int]], log_probs: np.ndarray, blank: int = 0
) -> list[list[int]]:
    """For each text: at each frame the place of its token, -1 at blanks (Viterbi).

    `log_probs` is (time, vocab); each text must be possible. In numpy: the arrays are
    too small for threads.
    """
    longest = max(map(len, texts), default=0)
    states = np.full((len(texts), 2 * longest + 1), blank)
    for row, tokens in enumerate(texts):
        states[row, 1 : 2 * len(tokens) : 2] = tokens
    may_skip = np.zeros(states.shape, bool)  # from token to token over the blank
    may_skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    score = np.full((len(texts), states.shape[1] + 2), NEVER)  # two more in front
    score[:, 2] = 0.0
    steps = np.zeros((len(log_probs), *states.shape), np.int8)
    for frame, emit in enumerate(log_probs[:, states]):
        skip = np.where(may_skip, score[:, :-2], NEVER)
        options = np.stack((score[:, 2:], score[:, 1:-1], skip))
        steps[frame] = options.argmax(0)
        score[:, 2:] = options.max(0) + emit
    rows = np.arange(len(texts))
    last = np.array([2 * len(tokens) for tokens in texts], int)
    last -= score[rows, last + 1] > score[rows, last + 2]
    paths = np.zeros((len(log_probs), len(texts)), int)
    for frame in reversed(range(len(log_probs))):
        paths[frame] = np.where(last % 2, last // 2, -1)
        last = last - steps[frame, rows, last]
    return paths.T.tolist()
