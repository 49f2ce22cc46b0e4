"""What the page draws: log-mel, alphas, boundaries, what CTC gives, in seconds."""

import base64
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..tokenizers import BLANK, has_text


SEEN = 0.05
"""A token whose probability reaches this at some frame is drawn."""
MOST = 64
"""Tokens that are drawn, those with the highest peaks."""


def picture(inside: Any, pieces: Sequence[str]) -> dict[str, Any]:
    """Plain values of an inspection; without `pieces` there is no CTC."""
    features: Tensor = inside.features
    found = {
        "mel": {
            "frames": features.shape[0],
            "bins": features.shape[1],
            "frame_s": inside.frame_seconds,
            "base64": _base64(_grey(features)),
        },
        "alphas": [round(alpha, 5) for alpha in inside.alphas.tolist()],
        "alpha_s": inside.time_seconds,
        "boundaries_s": [round(time, 4) for time in inside.boundaries.tolist()],
    }
    if pieces:
        found["ctc"] = _spikes(inside.ctc_logits, pieces)
    return found


def _spikes(log_probs: Tensor, pieces: Sequence[str]) -> dict[str, Any]:
    """Of the blank, then of each token that is seen: a byte for each frame."""
    probs = log_probs.exp()
    peaks = probs.amax(0) if len(probs) else probs.new_zeros(len(pieces))
    seen = [i for i, p in enumerate(peaks.tolist()) if has_text(i) and p >= SEEN]
    seen = sorted(seen, key=lambda i: -peaks[i])[:MOST]
    rows = probs[:, [BLANK, *sorted(seen)]].T
    return {
        "frames": len(probs),
        "tokens": [pieces[i] for i in sorted(seen)],
        "base64": _base64((255 * rows).round().to(torch.uint8)),
    }


def _grey(features: Tensor) -> Tensor:
    """0 to 255 between the 1st and the 99th percentile."""
    if features.numel() == 0:
        return features.to(torch.uint8)
    low, high = features.float().quantile(torch.tensor([0.01, 0.99]))
    scaled = (features - low) / (high - low).clamp(min=1e-6)
    return (255 * scaled.clamp(0, 1)).round().to(torch.uint8)


def _base64(values: Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()
