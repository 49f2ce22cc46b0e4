"""Texts from the frame-wise probabilities of CTC (Graves et al. 2006, section 3.2).

A path names a token or the blank at each frame; merging what is repeated and then
dropping the blanks makes it a text. `ctc_greedy` takes the likeliest path,
`ctc_prefix_beam` sums over all paths of a text.
"""

from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .greedy import Hypothesis, checked_log_softmax


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
        _collapse(tokens[:length], logs[:length], best_row.exp().tolist(), blank)
        for tokens, logs, best_row, length in zip(
            path.tolist(), best.tolist(), best, lengths.tolist(), strict=True
        )
    ]


def _collapse(
    path: list[int], logs: list[float], probabilities: list[float], blank: int
) -> Hypothesis:
    tokens, frames, confidence = [], [], []
    before = blank
    for frame, token in enumerate(path):
        if token != blank and token == before:
            confidence[-1] = max(confidence[-1], probabilities[frame])
        elif token != blank:
            tokens.append(token)
            frames.append(frame)
            confidence.append(probabilities[frame])
        before = token
    return Hypothesis(tokens, sum(logs, 0.0), confidence, frames)
