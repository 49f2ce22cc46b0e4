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

from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .ctc_path import on_best_path
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
        found.append(on_best_path(texts, probs, blank))
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

    def extend(
        self, token: int, log: float, floor: float, scorers: Together
    ) -> "_Prefix | None":
        """The text with one token more: the same object each time.

        None for a new one whose score, `log` and what it earns, is at most `floor`.
        """
        node = self.longer.get(token)
        if node is None:
            state, added = scorers.step(self.state, token)
            extra = self.extra + added
            if log + extra <= floor:
                return None
            node = self.longer[token] = _Prefix(token, self, state, extra)
        return node

    def move_on(self) -> float:
        """Let the next frame be the last one; log p."""
        self.ends_blank, self.ends_token = self.next_blank, self.next_token
        self.next_blank = self.next_token = NEVER
        return _add(self.ends_blank, self.ends_token)

    def leave(self) -> None:
        """Out of the beam: free what leads nowhere, which the collector is slow at."""
        self.ends_blank = self.ends_token = NEVER
        node = self
        while node.before and not node.longer and not node.is_alive():
            del node.before.longer[node.token]
            node = node.before

    def is_alive(self) -> bool:
        return self.ends_blank > NEVER or self.ends_token > NEVER

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
            node.next_blank = _add(node.ends_blank, node.ends_token) + blank_log
        # Of a full beam each text will have this much: less is not worth a node.
        floor = min(node.next_blank + node.extra for node in beam)
        floor = floor if len(beam) == width else NEVER
        for node in beam:
            total = _add(node.ends_blank, node.ends_token)
            for log, token in zip(logs, tokens, strict=True):
                start = total
                if token == blank:
                    continue
                if token == node.token:
                    # Without a blank between, it is the same token said for longer.
                    node.next_token = _add(node.next_token, node.ends_token + log)
                    start = node.ends_blank
                longer = node.extend(token, start + log, floor, scorers)
                if longer is not None and start + log > NEVER:
                    longer.next_token = _add(longer.next_token, start + log)
                    met[longer] = None
        beam = _best(met, width)
    ended = []
    for node in beam:
        total = _add(node.ends_blank, node.ends_token) + node.extra
        ended.append((node.tokens(), total + scorers.finish(node.state)))
    return sorted(ended, key=itemgetter(1), reverse=True)


def _best(met: Iterable[_Prefix], width: int) -> list[_Prefix]:
    """Go on to the next frame, with the best of the texts that are possible at all."""
    ranked = [(node.move_on() + node.extra, node) for node in met]
    possible = [pair for pair in ranked if pair[1].is_alive()]
    beam = [node for _, node in nlargest(width, possible, key=itemgetter(0))]
    for node in {*met}.difference(beam):
        node.leave()
    return beam


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + log1p(exp(b - a))


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
