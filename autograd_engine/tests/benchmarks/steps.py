"""Whole training steps, ours and torch's, from the same weights on the same batch.

W2: MLP 784-256-128-10 with relu, batch 128, SGD. W4: GPT of 2 blocks, d_model 128,
4 heads, 64 tokens, batch 16, 65 symbols, exact gelu, Adam. W5: LSTM with 128 hidden
units over 50 symbols of 65, embedded in 64 numbers, batch 32, Adam.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F


Step = Callable[[], float]
VOCAB, WIDTH, HEADS, TOKENS, BLOCKS = 65, 128, 4, 64, 2
HIDDEN, LENGTH, FEATURES = 128, 50, 64


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Small random float32 arrays; scales of norms are 1."""
    rng = np.random.default_rng(0)
    out = {}
    for name, shape in shapes.items():
        if name.endswith("scale"):
            out[name] = np.ones(shape, np.float32)
        else:
            spread = shape[-1] ** -0.5 if len(shape) > 1 else 0.01
            out[name] = (rng.standard_normal(shape) * spread).astype(np.float32)
    return out


def pair(arrays: dict, loss: Callable, batch: tuple, adam: bool) -> dict[str, Step]:
    """The step of each library; `loss(f, p, *batch)` is written once for both."""
    ours = {k: ag.tensor(v, requires_grad=True) for k, v in arrays.items()}
    theirs = {k: torch.tensor(v, requires_grad=True) for k, v in arrays.items()}
    our_batch = [ag.tensor(b) for b in batch]
    their_batch = [torch.tensor(b) for b in batch]
    update = Adam(ours.values()) if adam else Sgd(ours.values())
    kind = torch.optim.Adam if adam else torch.optim.SGD
    optimizer = kind(theirs.values(), lr=1e-3)

    def our_step() -> float:
        for p in ours.values():
            p.grad = None
        value = loss(F, ours, *our_batch)
        value.backward()
        update()
        return value.item()

    def their_step() -> float:
        optimizer.zero_grad()
        value = loss(TF, theirs, *their_batch)
        value.backward()
        optimizer.step()
        return value.item()

    return {"ours": our_step, "torch": their_step}


class Sgd:
    def __init__(self, parameters, lr: float = 1e-3) -> None:
        self.parameters, self.lr = list(parameters), np.float32(lr)

    def __call__(self) -> None:
        for p in self.parameters:
            p.data -= p.grad.data * self.lr


class Adam:
    """Adam as written down, in place, without options."""

    def __init__(self, parameters, lr: float = 1e-3) -> None:
        self.lr, self.count = lr, 0
        self.slots = [
            (p, *(np.zeros_like(p.data) for _ in range(3))) for p in parameters
        ]

    def __call__(self) -> None:
        self.count += 1
        rate = self.lr / (1 - 0.9**self.count)
        root = (1 - 0.999**self.count) ** 0.5
        for p, m, v, scratch in self.slots:
            g = p.grad.data
            m *= 0.9
            m += np.multiply(g, 0.1, out=scratch)
            v *= 0.999
            np.multiply(g, g, out=scratch)
            scratch *= 0.001
            v += scratch
            np.sqrt(v, out=scratch)
            scratch /= root
            scratch += 1e-8
            np.divide(m, scratch, out=scratch)
            scratch *= rate
            p.data -= scratch


def mlp() -> dict[str, Step]:
    sizes = [784, 256, 128, 10]
    shapes = {}
    for i, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
        shapes |= {f"w{i}": (b, a), f"b{i}": (b,)}
    rng = np.random.default_rng(1)
    x = rng.random((128, 784), dtype=np.float32)
    return pair(weights(shapes), mlp_loss, (x, rng.integers(0, 10, 128)), False)


def mlp_loss(f, p, x, target):
    x = f.relu(f.linear(x, p["w0"], p["b0"]))
    x = f.relu(f.linear(x, p["w1"], p["b1"]))
    return f.cross_entropy(f.linear(x, p["w2"], p["b2"]), target)


def gpt() -> dict[str, Step]:
    shapes = {"token": (VOCAB, WIDTH), "place": (TOKENS, WIDTH)}
    for i in range(BLOCKS):
        shapes |= {
            f"{i}.scale": (WIDTH,),
            f"{i}.shift": (WIDTH,),
            f"{i}.qkv": (3 * WIDTH, WIDTH),
            f"{i}.qkv_b": (3 * WIDTH,),
            f"{i}.out": (WIDTH, WIDTH),
            f"{i}.out_b": (WIDTH,),
            f"{i}.2scale": (WIDTH,),
            f"{i}.2shift": (WIDTH,),
            f"{i}.up": (4 * WIDTH, WIDTH),
            f"{i}.up_b": (4 * WIDTH,),
            f"{i}.down": (WIDTH, 4 * WIDTH),
            f"{i}.down_b": (WIDTH,),
        }
    shapes |= {"scale": (WIDTH,), "shift": (WIDTH,), "head": (VOCAB, WIDTH)}
    rng = np.random.default_rng(1)
    x, y = (rng.integers(0, VOCAB, (16, TOKENS)) for _ in range(2))
    return pair(weights(shapes), gpt_loss, (x, y), True)


def gpt_loss(f, p, x, target):
    h = f.embedding(x, p["token"]) + p["place"]
    for i in range(BLOCKS):
        q = {k.removeprefix(f"{i}."): v for k, v in p.items() if k.startswith(f"{i}.")}
        n = f.layer_norm(h, (WIDTH,), q["scale"], q["shift"])
        h = h + f.linear(attend(f, n, q), q["out"], q["out_b"])
        n = f.layer_norm(h, (WIDTH,), q["2scale"], q["2shift"])
        n = f.gelu(f.linear(n, q["up"], q["up_b"]))
        h = h + f.linear(n, q["down"], q["down_b"])
    h = f.layer_norm(h, (WIDTH,), p["scale"], p["shift"])
    scores = f.linear(h, p["head"])
    return f.cross_entropy(scores.reshape(-1, VOCAB), target.reshape(-1))


def attend(f, n, q):
    batch, tokens, _ = n.shape
    parts = f.linear(n, q["qkv"], q["qkv_b"]).split(WIDTH, -1)
    heads = [
        part.reshape(batch, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)
        for part in parts
    ]
    out = f.scaled_dot_product_attention(*heads, is_causal=True)
    return out.transpose(1, 2).reshape(batch, tokens, WIDTH)


def recurrent() -> dict[str, Step]:
    shapes = {
        "token": (VOCAB, FEATURES),
        "w_ih": (4 * HIDDEN, FEATURES),
        "w_hh": (4 * HIDDEN, HIDDEN),
        "b_ih": (4 * HIDDEN,),
        "b_hh": (4 * HIDDEN,),
        "head": (VOCAB, HIDDEN),
        "head_b": (VOCAB,),
    }
    rng = np.random.default_rng(1)
    x, y = (rng.integers(0, VOCAB, (LENGTH, 32)) for _ in range(2))
    return pair(weights(shapes), recurrent_loss, (x, y), True)


def recurrent_loss(f, p, x, target):
    h = f.embedding(x, p["token"])
    names = [p[k] for k in ("w_ih", "w_hh", "b_ih", "b_hh")]
    if f is F:
        start = ag.Tensor(np.zeros((h.shape[1], HIDDEN), np.float32))
        out = f.lstm(h, start, start, *names)[0]
    else:
        start = torch.zeros(1, h.shape[1], HIDDEN)
        out = torch.lstm(h, (start, start), names, True, 1, 0.0, True, False, False)[0]
    scores = f.linear(out, p["head"], p["head_b"])
    return f.cross_entropy(scores.reshape(-1, VOCAB), target.reshape(-1))


STEPS = {"W2 MLP": mlp, "W4 GPT": gpt, "W5 LSTM": recurrent}
