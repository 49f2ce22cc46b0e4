"""The networks again, from a state dict and `torch.nn.functional`, without a module.

Batch norm as in training, by the statistics of the batch, which are computed here.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


State = dict[str, Tensor]


def norm(s: State, at: str, x: Tensor) -> Tensor:
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
    scale, shift = (s[f"{at}.{key}"][:, None, None] for key in ("weight", "bias"))
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def conv(s: State, at: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = s[f"{at}.weight"]
    padding = weight.shape[2] // 2
    return F.conv2d(x, weight, s.get(f"{at}.bias"), stride, padding)


def conv_norm(s: State, at: str, x: Tensor, stride: int = 1) -> Tensor:
    return norm(s, f"{at}.norm", conv(s, f"{at}.conv", x, stride))


def relu(x: Tensor) -> Tensor:
    return x.clamp(min=0)


def linear(s: State, at: str, x: Tensor) -> Tensor:
    return x @ s[f"{at}.weight"].T + s[f"{at}.bias"]


def halve(x: Tensor, how: str) -> Tensor:
    """Maximum or mean of each 2x2 cell."""
    cells = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))
    return cells.amax((3, 5)) if how == "max" else cells.mean((3, 5))


def squash(a: Tensor) -> Tensor:
    """LeCun et al. 1998: f(a) = A tanh(S a)."""
    e = (4 / 3 * a).exp()
    return 1.7159 * (e - 1) / (e + 1)


def lenet5(s: State, x: Tensor) -> Tensor:
    """A 28 x 28 image, its border repeated twice on each side."""
    place = torch.arange(-2, 30).clamp(0, 27)
    x = x[:, :, place][:, :, :, place]
    for layer in ("c1", "c3"):
        x = squash(F.conv2d(x, s[f"{layer}.weight"], s[f"{layer}.bias"]))
        x = halve(x, "mean")
    x = squash(x.flatten(1) @ s["c5.weight"].flatten(1).T + s["c5.bias"])
    return linear(s, "head", squash(linear(s, "f6", x)))


def plain(s: State, x: Tensor, layers: list[str]) -> Tensor:
    """`simple_cnn` and VGG: "conv" and "max" one after the other."""
    for place, layer in enumerate(layers):
        if layer == "max":
            x = halve(x, "max")
        else:
            x = relu(conv_norm(s, f"stages.{place}", x))
    return linear(s, "head", x.mean((2, 3)))


def excite(s: State, at: str, x: Tensor) -> Tensor:
    """Hu et al. 2018, eqs. 2 to 4."""
    z = x.mean((2, 3))
    share = linear(s, f"{at}.expand", relu(linear(s, f"{at}.reduce", z)))
    return x / (1 + (-share).exp())[:, :, None, None]


def cifar_resnet(s: State, x: Tensor, blocks: int, excited: bool) -> Tensor:
    """He et al. 2015, section 4.2: option A, as a matrix of zeros and ones."""
    x = relu(conv_norm(s, "stem.0", x))
    for stage in range(3):
        for block in range(blocks):
            at = f"stages.{stage}.{block}"
            stride = 2 if stage and not block else 1
            branch = relu(conv_norm(s, f"{at}.residual.0", x, stride))
            branch = conv_norm(s, f"{at}.residual.1", branch)
            if excited:
                branch = excite(s, f"{at}.residual.2", branch)
            if stride == 2:
                copy = torch.eye(branch.shape[1], x.shape[1], dtype=x.dtype)
                x = F.conv2d(x, copy[:, :, None, None], stride=2)
            x = relu(x + branch)
    return linear(s, "head", x.mean((2, 3)))


def preact_resnet(s: State, x: Tensor, depths: tuple[int, ...]) -> Tensor:
    """He et al. 2016, eq. 4 and figure 4e; wide or not."""
    x = conv(s, "stem", x)
    for stage, depth in enumerate(depths):
        for block in range(depth):
            at = f"stages.{stage}.{block}"
            stride = 2 if stage and not block else 1
            first = relu(norm(s, f"{at}.norm1", x))
            hidden = conv(s, f"{at}.conv1", first, stride)
            branch = conv(s, f"{at}.conv2", relu(norm(s, f"{at}.norm2", hidden)))
            if f"{at}.project.weight" in s:
                x = conv(s, f"{at}.project", first, stride)
            x = x + branch
    return linear(s, "head", relu(norm(s, "norm", x)).mean((2, 3)))
