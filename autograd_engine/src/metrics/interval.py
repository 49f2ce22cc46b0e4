"""How far a measured share may be from the true one."""

from math import sqrt
from statistics import NormalDist


def wilson_interval(
    successes: int, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Both ends of the score interval of a proportion (Wilson 1927).

    With z the normal quantile, p the share and n the trials: centre (p + z^2/2n) / d,
    half width z sqrt(p(1-p)/n + z^2/4n^2) / d, d = 1 + z^2/n. Unlike p +- z s it stays
    inside [0, 1] and has a width where p is 0 or 1.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"wilson_interval: {successes} of {trials}; needed is 0 <= successes <= "
            "trials and one trial at least"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"wilson_interval: confidence is {confidence}; 0 to 1, open")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, square = successes / trials, z * z / trials
    centre, scale = p + square / 2, 1 + square
    half = z * sqrt(p * (1 - p) / trials + square / (4 * trials))
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == trials else (centre + half) / scale
    return low, high
