"""The U-Nets again, from a state dict, `torch.nn.functional` and `torch.cat`."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


State = dict[str, Tensor]


def conv_norm_relu(s: State, conv: str, norm: str, x: Tensor, kind: str) -> Tensor:
    """Training mode: batch norm by the statistics of the batch."""
    x = F.conv2d(x, s[f"{conv}.weight"], s.get(f"{conv}.bias"), padding=1)
    if kind != "none":
        scale, shift = (s[f"{norm}.{key}"][:, None, None] for key in ("weight", "bias"))
        batch, channels, height, width = x.shape
        groups = {
            "batch": channels,
            "instance": batch * channels,
            "group": batch * math.gcd(8, channels),
        }[kind]
        if kind == "batch":
            flat = x.transpose(0, 1).reshape(channels, -1)
        else:
            flat = x.reshape(groups, -1)
        mean = flat.mean(1, keepdim=True)
        flat = (flat - mean) / (flat.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
        if kind == "batch":
            x = flat.view(channels, batch, height, width).transpose(0, 1)
        else:
            x = flat.view(x.shape)
        x = x * scale + shift
    return x.clamp(min=0)


def gate(s: State, at: str, g: Tensor, x: Tensor) -> Tensor:
    """Oktay et al. 2018, eqs. 1 and 2."""
    w_x = F.conv2d(x, s[f"{at}.w_x.weight"], stride=2)
    w_g = F.conv2d(g, s[f"{at}.w_g.weight"], s[f"{at}.w_g.bias"])
    q = F.conv2d((w_x + w_g).clamp(min=0), s[f"{at}.psi.weight"], s[f"{at}.psi.bias"])
    alpha = 1 / (1 + (-q).exp())
    return x * F.interpolate(alpha, scale_factor=2, mode="bilinear")


def unet(
    s: State, x: Tensor, depth: int, norm: str, upsample: str, gated: bool = False
) -> Tensor:
    """Logits; the sides of the image must be multiples of 2^depth."""
    skips = []
    for level in range(depth + 1):
        at = f"contracting.{level}" if level < depth else "bottleneck"
        if level > 0:
            x = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).amax((3, 5))
        for step in ("first", "second"):
            x = conv_norm_relu(s, f"{at}.{step}.conv", f"{at}.{step}.norm", x, norm)
        skips.append(x)
    skips.pop()
    for i in range(depth):
        at, skip = f"expanding.{i}", skips.pop()
        if gated and i < depth - 1:
            skip, at = gate(s, f"{at}.gate", x, skip), f"{at}.up"
        if upsample == "transposed":
            weight, bias = s[f"{at}.enlarge.weight"], s[f"{at}.enlarge.bias"]
            # A cell becomes a block: out[2r+a, 2c+b] = sum_i x[i, r, c] w[i, :, a, b].
            blocks = torch.einsum("nihw,ioab->nohawb", x, weight)
            x = blocks.flatten(4, 5).flatten(2, 3) + bias[:, None, None]
        else:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = torch.cat([skip, x], dim=1)
        x = conv_norm_relu(s, f"{at}.merge", f"{at}.norm", x, norm)
        x = conv_norm_relu(s, f"{at}.refine.conv", f"{at}.refine.norm", x, norm)
    return F.conv2d(x, s["head.weight"], s["head.bias"])
