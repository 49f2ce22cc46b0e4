"""What the page draws: log-mel as bytes, alphas, boundaries, all in seconds."""

import base64
from typing import Any

import torch
from torch import Tensor


def picture(inside: Any) -> dict[str, Any]:
    """Plain values of an inspection."""
    features: Tensor = inside.features
    return {
        "mel": {
            "frames": features.shape[0],
            "bins": features.shape[1],
            "frame_s": inside.frame_seconds,
            "base64": base64.b64encode(_grey(features).numpy().tobytes()).decode(),
        },
        "alphas": [round(alpha, 5) for alpha in inside.alphas.tolist()],
        "alpha_s": inside.time_seconds,
        "boundaries_s": [round(time, 4) for time in inside.boundaries.tolist()],
    }


def _grey(features: Tensor) -> Tensor:
    """0 to 255 between the 1st and the 99th percentile."""
    if features.numel() == 0:
        return features.to(torch.uint8).flatten()
    low, high = features.float().quantile(torch.tensor([0.01, 0.99]))
    scaled = (features - low) / (high - low).clamp(min=1e-6)
    return (255 * scaled.clamp(0, 1)).round().to(torch.uint8).flatten()
