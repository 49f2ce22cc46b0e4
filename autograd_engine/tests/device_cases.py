"""Programs that run on any device: the main operations, modules and optimisers.

`programs()` gives for each a function of the device: values and gradients as arrays.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import src as ag
from src import functional as F
from src import nn, optim
from src.models.gpt import GPT


ELEMENTWISE = """exp log sqrt sin cos tanh sigmoid abs square reciprocal erf erfc expm1
    log1p rsqrt floor round sign atan sinc lgamma digamma frac neg relu logit_ exp2 log2
    softplus gelu silu elu celu selu leaky_relu hardswish hardsigmoid hardtanh mish
    logsigmoid softsign tanhshrink softshrink hardshrink relu6""".split()
REDUCTIONS = """sum mean prod amax amin std var logsumexp cumsum cumprod cummax cummin
    logcumsumexp median softmax log_softmax argmax argmin argsort any all sort
    count_nonzero nansum quantile_ norm flip_ diff unbind""".split()
IMAGES: dict[str, Callable] = {
    "conv2d": lambda t: F.conv2d(t.image, t.kernel, stride=2, padding=1),
    "conv1d": lambda t: F.conv1d(t.image[:, :, 0], t.kernel[:, :, 0]),
    "conv_transpose2d": lambda t: F.conv_transpose2d(t.image, t.turned, stride=2),
    "conv grouped": lambda t: F.conv2d(t.image, t.kernel[:3, :1], groups=3),
    "max_pool2d": lambda t: F.max_pool2d(t.image, 3, 2, 1),
    "avg_pool2d": lambda t: F.avg_pool2d(t.image, 2),
    "adaptive_avg_pool2d": lambda t: F.adaptive_avg_pool2d(t.image, 4),
    "adaptive_max_pool2d": lambda t: F.adaptive_max_pool2d(t.image, 4),
    "batch_norm": lambda t: F.batch_norm(t.image, None, None, training=True),
    "group_norm": lambda t: F.group_norm(t.image, 3),
    "instance_norm": lambda t: F.instance_norm(t.image),
    "bilinear": lambda t: F.interpolate(t.image, scale_factor=1.5, mode="bilinear"),
    "nearest": lambda t: F.interpolate(t.image, size=(4, 9)),
    "pad": lambda t: F.pad(t.image, (1, 2, 0, 1), mode="reflect"),
    "unfold": lambda t: F.unfold(t.image, 3),
    "fold": lambda t: F.fold(F.unfold(t.image, 2), (6, 6), 2),
    "pixel_shuffle": lambda t: F.pixel_shuffle(t.image.reshape(1, 4, 9, 6), 2),
}
OTHERS: dict[str, Callable] = {
    "arithmetic": lambda t: (t.x + 2 * t.y - t.x / t.y) ** 2,
    "broadcast": lambda t: t.x * t.y[:1] + t.x[:, :1],
    "minimum": lambda t: ag.minimum(t.x, t.y) + ag.maximum(t.x, 1.0).clamp(0.2, 2),
    "where": lambda t: ag.where(t.x > t.y, t.x, 0.0),
    "matmul": lambda t: t.x @ t.m + (t.sequence @ t.m).sum(),
    "einsum": lambda t: ag.einsum("ij,jk->ik", t.x, t.m),
    "linear": lambda t: F.linear(t.sequence, t.m.t()),
    "shapes": lambda t: (
        t.sequence.permute(2, 0, 1).flatten(1).unsqueeze(0).expand(2, -1, -1)
    ),
    "cat": lambda t: ag.cat([t.x, t.y], 1).chunk(4, 1)[1],
    "stack": lambda t: ag.stack([t.x, t.y])[:, 1:, ::2],
    "roll": lambda t: t.x.roll(1, 0).repeat(2, 1).tril(),
    "diagonal": lambda t: t.x.diagonal() + ag.diag_embed(t.m[0])[:3, 0],
    "slice": lambda t: t.x[1:, None, -1],
    "index": lambda t: t.x[t.rows, t.rows] + t.x[t.rows].sum(1),
    "mask": lambda t: t.x[t.x > 1].sum() + t.x.masked_fill(t.x > 1, 0).sum(),
    "setitem": lambda t: written(t.x.clone(), t),
    "gather": lambda t: t.x.gather(1, t.columns),
    "scatter_add": lambda t: t.x.scatter_add(1, t.columns, t.y),
    "index_add": lambda t: t.x.index_add(0, t.rows, t.y),
    "scatter_reduce": lambda t: t.x.scatter_reduce(1, t.columns, t.y, "amax"),
    "index_select": lambda t: t.x.index_select(1, t.rows),
    "embedding": lambda t: F.embedding(t.columns, t.m),
    "topk": lambda t: t.x.topk(2, 1),
    "kthvalue": lambda t: t.x.kthvalue(2, 1),
    "unique": lambda t: t.columns.unique(return_counts=True),
    "bincount": lambda t: t.rows.bincount(minlength=4),
    "searchsorted": lambda t: ag.searchsorted(t.x.sort(1).values, t.y),
    "one_hot": lambda t: F.one_hot(t.rows, 4),
    "repeat_interleave": lambda t: t.x.repeat_interleave(t.rows, 0),
    "cross_entropy": lambda t: F.cross_entropy(t.x, t.rows, label_smoothing=0.1),
    "weighted": lambda t: F.cross_entropy(t.x, t.rows, weight=t.m[:, 0].detach()),
    "mse_loss": lambda t: F.mse_loss(t.x, t.y) + F.huber_loss(t.x, t.y),
    "bce": lambda t: F.binary_cross_entropy_with_logits(t.x, t.y.sigmoid()),
    "kl_div": lambda t: F.kl_div(t.x.log_softmax(1), t.y.softmax(1)),
    "layer_norm": lambda t: F.layer_norm(t.x, (4,), t.m[:, 0], t.m[:, 1]),
    "rms_norm": lambda t: F.rms_norm(t.x, (4,)),
    "attention": lambda t: F.scaled_dot_product_attention(
        t.sequence, t.sequence * 2, t.sequence, is_causal=True
    ),
    "dropout": lambda t: F.dropout(t.x, 0.5, True),
    "random": lambda t: t.x * ag.randn_like(t.x) + ag.bernoulli(t.x * 0 + 0.5),
    "cosine": lambda t: F.cosine_similarity(t.x, t.y) + F.normalize(t.x).sum(),
    "cdist": lambda t: F.pairwise_distance(t.x, t.y),
    "bucketize": lambda t: ag.bucketize(t.x, ag.tensor([0.5, 1.0]).to(t.x.device)),
}


def written(x: ag.Tensor, t: Any) -> ag.Tensor:
    x[0] = t.y[0]
    x[1, 2:] = 7
    x.mul_(2).add_(t.y)
    return x


def inputs(device: str, dtype: Any = ag.float64) -> SimpleNamespace:
    """The same tensors for each program, on `device`."""
    rng = np.random.default_rng(0)

    def leaf(*shape: int) -> ag.Tensor:
        values = ag.tensor(rng.random(shape) * 1.6 + 0.1, dtype=dtype)
        return values.to(device).requires_grad_()

    return SimpleNamespace(
        x=leaf(3, 4),
        y=leaf(3, 4),
        m=leaf(4, 5),
        sequence=leaf(5, 2, 4),
        image=leaf(2, 3, 6, 6),
        kernel=leaf(4, 3, 3, 3),
        turned=leaf(3, 2, 3, 3),
        rows=ag.tensor([2, 0, 2]).to(device),
        columns=ag.tensor([[1, 3, 0, 2], [0, 0, 1, 2], [3, 3, 3, 0]]).to(device),
    )


def operations() -> dict[str, Callable]:
    """Every program of this page by its name."""
    found: dict[str, Callable] = {}
    for name in ELEMENTWISE:
        plain = name.removesuffix("_")
        call = getattr(ag.Tensor, plain, None) or getattr(F, plain)
        found[name] = lambda t, call=call, s=name[-1] == "_": call(
            t.x * 0.5 if s else t.x - 0.8 * (call.__module__ == F.gelu.__module__)
        )
    for name in REDUCTIONS:
        call, more = getattr(ag.Tensor, name.removesuffix("_")), ()
        if name == "quantile_":
            more = (0.3,)
        values = {"any": lambda x: x > 1, "all": lambda x: x > 1}.get(name, lambda x: x)
        found[name] = (
            (lambda t, call=call: call(t.x, (0, 1)))
            if name == "flip_"
            else (lambda t, c=call, v=values, more=more: c(v(t.x), *more, 1))
            if name != "norm"
            else lambda t: t.x.norm(dim=1)
        )
    return found | IMAGES | OTHERS


def programs() -> dict[str, Callable]:
    """Every program by its name: a device gives the values and the gradients."""

    def seeded(program: Callable, dtype: Any, device: str) -> list[np.ndarray]:
        t = inputs(device, dtype)
        ag.manual_seed(0)
        return answers(program(t), vars(t))

    layers = {f"nn.{name}": program for name, program in MODULES.items()}
    found = {
        f"{name} {dtype}": partial(seeded, program, dtype)
        for name, program in (operations() | layers).items()
        for dtype in (ag.float32, ag.float64)
    }
    return found | {f"optim.{n}": partial(trained, m) for n, m in OPTIMISERS.items()}


def answers(out: Any, tensors: dict[str, ag.Tensor]) -> list[np.ndarray]:
    outs = list(out) if isinstance(out, tuple) else [out]
    total = None
    for one in outs:
        if one.requires_grad:
            weights = ag.arange(one.numel(), dtype=one.dtype).to(one.device)
            part = (one * weights.reshape(one.shape).cos()).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    grads = [x.grad for x in tensors.values() if x.grad is not None]
    device = tensors["x"].device
    for one in outs + grads:
        if one.device != device:
            raise AssertionError(f"a result on {one.device} of tensors on {device}")
    return [one.detach().cpu().numpy() for one in outs + grads]


def through(module: nn.Module, *arguments: ag.Tensor) -> Any:
    """The output of `module`, its parameters brought to where the arguments are."""
    module = module.to(arguments[0].device)
    module = module.double() if arguments[0].dtype == ag.float64 else module
    out = module(*arguments)
    return out[0] if isinstance(out, tuple) else out


MODULES: dict[str, Callable] = {
    "GPT": lambda t: through(GPT(5, 4, 8, 2, 1), t.columns),
    "LSTMCell": lambda t: through(nn.LSTMCell(4, 3), t.x),
    "GRUCell": lambda t: through(nn.GRUCell(4, 3), t.x),
    "RNNCell": lambda t: through(nn.RNNCell(4, 3), t.x),
    "PReLU": lambda t: through(nn.PReLU(4), t.x - 1),
    "Upsample": lambda t: through(nn.Upsample(scale_factor=2, mode="bicubic"), t.image),
    "orthogonal": lambda t: nn.init.orthogonal_(t.m.detach().clone()) @ t.m.t(),
    "kaiming": lambda t: nn.init.kaiming_uniform_(t.m.detach().clone()) + t.m,
    "padding mask": lambda t: (
        nn.MultiheadAttention(4, 2, batch_first=True)
        .to(t.x.dtype)
        .to(t.x.device)(
            t.sequence,
            t.sequence,
            t.sequence,
            key_padding_mask=t.sequence[:, :, 0] > 1.5,
        )
    ),
    "Linear": lambda t: through(nn.Linear(4, 3), t.x),
    "Conv": lambda t: through(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), t.image
    ),
    "LSTM": lambda t: through(nn.LSTM(4, 3, num_layers=2), t.sequence),
    "GRU": lambda t: through(nn.GRU(4, 3, bidirectional=True), t.sequence),
    "RNN": lambda t: through(nn.RNN(4, 3), t.sequence),
    "Embedding": lambda t: through(nn.Embedding(5, 3), t.columns),
    "Transformer": lambda t: through(
        nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), t.sequence
    ),
    "Attention": lambda t: through(
        nn.MultiheadAttention(4, 2), t.sequence, t.sequence, t.sequence
    ),
}
OPTIMISERS: dict[str, Callable] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, weight_decay=0.1),
    "AdamW": optim.AdamW,
    "RMSprop": lambda p: optim.RMSprop(p, momentum=0.5, centered=True),
    "Adagrad": optim.Adagrad,
    "Lion": optim.Lion,
    "Muon": lambda p: optim.Muon([w for w in p if w.ndim == 2]),
}


def trained(make: Callable, device: str) -> list[np.ndarray]:
    """The parameters after two steps, a reload of both states, and a third step."""
    ag.manual_seed(0)
    t = inputs(device)

    def fresh() -> tuple[nn.Module, optim.Optimizer]:
        layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4)).double()
        model = layers.to(device)
        return model, make(list(model.parameters()))

    def step(model: nn.Module, optimizer: optim.Optimizer) -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(t.x.detach()), t.rows).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()

    model, optimizer = fresh()
    step(model, optimizer)
    step(model, optimizer)
    again, other = fresh()
    again.load_state_dict(model.state_dict())
    other.load_state_dict(optimizer.state_dict())
    step(again, other)
    state = again.state_dict()
    if not all(isinstance(value, np.ndarray) for value in state.values()):
        raise AssertionError("a state holds numpy arrays")
    return list(state.values())
