"""CTC prefix beam search with a dict from texts to probabilities, as WeNet has it.

Algorithm 1 of Hannun et al. 2014 (arXiv 1408.2873), written down without haste.
"""

from collections import defaultdict
from math import exp, inf, log1p

from torch import Tensor


def with_dicts(
    log_probs: Tensor, width: int, top_k: int
) -> list[tuple[tuple[int, ...], float]]:
    """The texts alone: no frames, no confidences, no scorers."""

    def add(a: float, b: float) -> float:
        low, high = min(a, b), max(a, b)
        return high if low == -inf else high + log1p(exp(low - high))

    beam = [((), (0.0, -inf))]
    for row in log_probs:
        values, ids = row.topk(top_k)
        tried = dict(zip(ids.tolist(), values.tolist(), strict=True)) | {
            0: float(row[0])
        }
        longer = defaultdict(lambda: (-inf, -inf))
        for token, log in tried.items():
            for text, (blank, said) in beam:
                last = text[-1] if text else None
                if token == 0:
                    b, s = longer[text]
                    longer[text] = add(b, add(blank, said) + log), s
                elif token == last:
                    b, s = longer[text]
                    longer[text] = b, add(s, said + log)
                    b, s = longer[*text, token]
                    longer[*text, token] = b, add(s, blank + log)
                else:
                    b, s = longer[*text, token]
                    longer[*text, token] = b, add(s, add(blank, said) + log)
        ranked = sorted(longer.items(), key=lambda item: -add(*item[1]))
        beam = ranked[:width]
    return [(text, add(*both)) for text, both in beam]
