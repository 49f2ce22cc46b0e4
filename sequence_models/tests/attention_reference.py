"""Attention of one query at a time in plain Python: what the three forms must give."""

import torch
from torch import Tensor

from src.models.masks import Mask


def attend_one_by_one(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """Nothing is shared with the code under test but the settings of the mask."""
    batch, heads, time, head_dim = q.shape
    kv_heads, total = k.shape[1:3]
    rows = []
    for b in range(batch):
        for h in range(heads):
            key, value = (x[b, h // (heads // kv_heads)] for x in (k, v))
            for i in range(time):
                at = total - time + i
                seen = [j for j in range(total) if _sees(mask, b, at, j)]
                scores = [q[b, h, i].dot(key[j]) / head_dim**0.5 for j in seen]
                if mask.slopes is not None:
                    bias = [float(mask.slopes[h]) * abs(at - j) for j in seen]
                    scores = [s - x for s, x in zip(scores, bias, strict=True)]
                mixed = torch.zeros(head_dim, dtype=q.dtype)
                if seen:
                    mixed = torch.stack(scores).softmax(0) @ value[seen]
                rows.append(mixed)
    return torch.stack(rows).view(batch, heads, time, head_dim)


def _sees(mask: Mask, row: int, at: int, key: int) -> bool:
    if mask.causal and key > at:
        return False
    if mask.window is not None and abs(at - key) >= mask.window:
        return False
    if mask.pad_mask is not None and not mask.pad_mask[row, key]:
        return False
    document = mask.document
    return document is None or bool(document[row, at] == document[row, key])
