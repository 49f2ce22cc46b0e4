"""Gated recurrent units (Cho et al. 2014) and the plain RNN over a whole sequence.

    r, z = sigmoid of x W_i + b_i + h W_h + b_h
    n = tanh(x W_in + b_in + r (h W_hn + b_hn))
    h_t = (1 - z) n + z h_{t-1}

(PyTorch's form: r multiplies after the product with W_hn.)
"""

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .joining import stack
from .lstm import data_of, gather, project, shifted, sigmoid


class Gru(Function):
    """(length, batch, features) to all h_t and the last one."""

    @staticmethod
    def forward(ctx, x, h, w_ih, w_hh, b_ih, b_hh):
        ctx.hs, ctx.kept = run_gru(*data_of(x, h, w_ih, w_hh, b_ih, b_hh))
        out = ctx.hs[1:]
        ctx.save_for_backward(x, w_ih, w_hh, out)
        return out, ctx.hs[-1].copy()

    @staticmethod
    def backward(ctx: Function, g_out: Tensor, g_h: Tensor) -> tuple:
        x, w_ih, w_hh, _ = (t.data for t in ctx.saved_tensors)
        grads = carry_gru(ctx.hs, ctx.kept, w_hh, g_out.data, g_h.data)
        return gather(ctx, *grads[:2], x, ctx.hs, w_ih, grads[2])

    @staticmethod
    def plain(x, h, w_ih, w_hh, b_ih, b_hh):
        return unrolled(GruCell.plain, x, h, w_ih, w_hh, b_ih, b_hh)


class GruCell(Function):
    """One step: (batch, features) and h to the next h."""

    @staticmethod
    def forward(ctx, x, h, w_ih, w_hh, b_ih, b_hh):
        arrays = data_of(x, h, w_ih, w_hh, b_ih, b_hh)
        ctx.hs, ctx.kept = run_gru(arrays[0][None], *arrays[1:])
        ctx.save_for_backward(x, w_ih, w_hh)
        return ctx.hs[1].copy()

    @staticmethod
    def backward(ctx: Function, g_h: Tensor) -> tuple:
        x, w_ih, w_hh = (t.data for t in ctx.saved_tensors)
        grads = carry_gru(ctx.hs, ctx.kept, w_hh, None, g_h.data)
        return gather(ctx, *grads[:2], x, ctx.hs, w_ih, grads[2])

    @staticmethod
    def plain(x, h, w_ih, w_hh, b_ih, b_hh):
        a, b = shifted(x @ w_ih.T, b_ih), shifted(h @ w_hh.T, b_hh)
        size = h.shape[-1]
        r = sigmoid(a[:, :size] + b[:, :size])
        z = sigmoid(a[:, size : 2 * size] + b[:, size : 2 * size])
        n = (a[:, 2 * size :] + r * b[:, 2 * size :]).tanh()
        return n + z * (h - n)


class Rnn(Function):
    """h_t = tanh or relu of x_t W_ih + b_ih + h_{t-1} W_hh + b_hh, for all t."""

    @staticmethod
    def forward(ctx, x, h, w_ih, w_hh, b_ih, b_hh, relu: bool):
        arrays = data_of(x, h, w_ih, w_hh, b_ih, b_hh)
        ctx.hs, ctx.relu = run_rnn(*arrays, relu), relu
        out = ctx.hs[1:]
        ctx.save_for_backward(x, w_ih, w_hh, out)
        return out, ctx.hs[-1].copy()

    @staticmethod
    def backward(ctx: Function, g_out: Tensor, g_h: Tensor) -> tuple:
        x, w_ih, w_hh, _ = (t.data for t in ctx.saved_tensors)
        slopes, gh = carry_rnn(ctx.hs, w_hh, g_out.data, g_h.data, ctx.relu)
        return *gather(ctx, slopes, slopes, x, ctx.hs, w_ih, gh), None

    @staticmethod
    def plain(x, h, w_ih, w_hh, b_ih, b_hh, relu: bool):
        return unrolled(RnnCell.plain, x, h, w_ih, w_hh, b_ih, b_hh, relu)


class RnnCell(Function):
    """One step of the plain RNN."""

    @staticmethod
    def forward(ctx, x, h, w_ih, w_hh, b_ih, b_hh, relu: bool):
        arrays = data_of(x, h, w_ih, w_hh, b_ih, b_hh)
        ctx.hs, ctx.relu = run_rnn(arrays[0][None], *arrays[1:], relu), relu
        ctx.save_for_backward(x, w_ih, w_hh)
        return ctx.hs[1].copy()

    @staticmethod
    def backward(ctx: Function, g_h: Tensor) -> tuple:
        x, w_ih, w_hh = (t.data for t in ctx.saved_tensors)
        slopes, gh = carry_rnn(ctx.hs, w_hh, None, g_h.data, ctx.relu)
        return *gather(ctx, slopes, slopes, x, ctx.hs, w_ih, gh), None

    @staticmethod
    def plain(x, h, w_ih, w_hh, b_ih, b_hh, relu: bool):
        z = shifted(x @ w_ih.T + h @ w_hh.T, b_ih, b_hh)
        return z.relu() if relu else z.tanh()


def run_gru(x, h, w_ih, w_hh, b_ih, b_hh) -> tuple:
    """All h, the given one first, and (r and z and n, the hidden part of n)."""
    xp, size = array_module(x), h.shape[-1]
    gates = project(x, w_ih)
    if b_ih is not None:
        gates += b_ih
    length, batch = gates.shape[:2]
    hs = xp.empty((length + 1, batch, size), x.dtype)
    hs[0] = h
    parts = xp.empty((length, batch, size), x.dtype)
    carried = xp.empty(gates.shape[1:], x.dtype)
    recurrent = xp.ascontiguousarray(w_hh.T)
    for t in range(length):
        both, n = gates[t][:, : 2 * size], gates[t][:, 2 * size :]
        xp.matmul(hs[t], recurrent, out=carried)
        if b_hh is not None:
            carried += b_hh
        both += carried[:, : 2 * size]
        both *= 0.5
        xp.tanh(both, out=both)
        both *= 0.5
        both += 0.5
        parts[t] = carried[:, 2 * size :]
        n += both[:, :size] * parts[t]
        xp.tanh(n, out=n)
        xp.subtract(hs[t], n, out=hs[t + 1])
        hs[t + 1] *= both[:, size:]
        hs[t + 1] += n
    return hs, (gates, parts)


def carry_gru(hs, kept, w_hh, g_out, g_h) -> tuple:
    """d / d (products with x), d / d (products with h), d / d h given."""
    gates, parts = kept
    xp, size = array_module(gates), hs.shape[-1]
    r, z, n = (gates[..., k * size : (k + 1) * size] for k in range(3))
    hidden = xp.empty_like(gates)
    to_r, to_z, to_n = (hidden[..., k * size : (k + 1) * size] for k in range(3))
    candidate = (1 - z) * (1 - n * n)
    xp.multiply(candidate, r, out=to_n)
    xp.multiply(to_n, (1 - r) * parts, out=to_r)
    xp.multiply(hs[:-1] - n, z * (1 - z), out=to_z)
    dh = g_h.copy()
    for t in reversed(range(len(gates))):
        if g_out is not None:
            dh += g_out[t]
        candidate[t] *= dh
        block = hidden[t].reshape(-1, 3, size)
        block *= dh[:, None]
        dh *= z[t]
        dh += xp.matmul(hidden[t], w_hh)
    inputs = hidden.copy()
    inputs[..., 2 * size :] = candidate
    return inputs, hidden, dh


def run_rnn(x, h, w_ih, w_hh, b_ih, b_hh, relu: bool):
    """All h, the given one first."""
    xp = array_module(x)
    hs = xp.empty((len(x) + 1, *h.shape), x.dtype)
    hs[0] = h
    gates = project(x, w_ih)
    for bias in (b_ih, b_hh):
        if bias is not None:
            gates += bias
    recurrent = xp.ascontiguousarray(w_hh.T)
    for t in range(len(x)):
        xp.matmul(hs[t], recurrent, out=hs[t + 1])
        hs[t + 1] += gates[t]
        if relu:
            xp.maximum(hs[t + 1], 0, out=hs[t + 1])
        else:
            xp.tanh(hs[t + 1], out=hs[t + 1])
    return hs


def carry_rnn(hs, w_hh, g_out, g_h, relu: bool) -> tuple:
    """d / d (product with x) of all steps, and the gradient of the given h."""
    xp, after = array_module(hs), hs[1:]
    slopes = (after > 0).astype(hs.dtype) if relu else 1 - after * after
    dh = g_h.copy()
    for t in reversed(range(len(after))):
        if g_out is not None:
            dh += g_out[t]
        slopes[t] *= dh
        dh = xp.matmul(slopes[t], w_hh)
    return slopes, dh


def unrolled(cell, x, h, *weights):
    """All h_t and the last, one step of `cell` after the other."""
    outs = []
    for t in range(x.shape[0]):
        h = cell(x[t], h, *weights)
        outs.append(h)
    return stack(outs), h
