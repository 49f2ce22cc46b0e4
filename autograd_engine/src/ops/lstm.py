"""Long short-term memory (Hochreiter & Schmidhuber 1997) over a whole sequence.

    i, f, o = sigmoid,  g = tanh  of  x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh
    c_t = f c_{t-1} + i g         h_t = o tanh(c_t)

sigmoid(z) is (1 + tanh(z / 2)) / 2, so that one tanh serves the four gates. What can be
done for all steps at once is: the products with x before the loop, the slopes of the
gates before the backward loop, the gradients of the weights after it.
"""

from typing import Any

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .joining import stack
from .linear import column_sums


GATES = 4


class Lstm(Function):
    """(length, batch, features) to all h_t, the last h and the last c."""

    @staticmethod
    def forward(ctx, x, h, c, w_ih, w_hh, b_ih, b_hh):
        arrays = data_of(x, h, c, w_ih, w_hh, b_ih, b_hh)
        ctx.hs, ctx.cs, ctx.kept = run(*arrays)
        hs, cs, out = ctx.hs, ctx.cs, ctx.hs[1:]
        ctx.save_for_backward(x, w_ih, w_hh, out)
        return out, hs[-1].copy(), cs[-1].copy()

    @staticmethod
    def backward(ctx: Function, g_out: Tensor, g_h: Tensor, g_c: Tensor) -> tuple:
        x, w_ih, w_hh, _ = (t.data for t in ctx.saved_tensors)
        arrays = g_out.data, g_h.data, g_c.data
        slopes, gh, gc = carry(ctx.hs, ctx.cs, ctx.kept, w_hh, *arrays)
        return gather(ctx, slopes, slopes, x, ctx.hs, w_ih, gh, gc)

    @staticmethod
    def plain(x, h, c, w_ih, w_hh, b_ih, b_hh):
        outs = []
        for t in range(x.shape[0]):
            h, c = LstmCell.plain(x[t], h, c, w_ih, w_hh, b_ih, b_hh)
            outs.append(h)
        return stack(outs), h, c


class LstmCell(Function):
    """One step: (batch, features), h and c to the next h and c."""

    @staticmethod
    def forward(ctx, x, h, c, w_ih, w_hh, b_ih, b_hh):
        arrays = data_of(x, h, c, w_ih, w_hh, b_ih, b_hh)
        ctx.hs, ctx.cs, ctx.kept = run(arrays[0][None], *arrays[1:])
        ctx.save_for_backward(x, w_ih, w_hh)
        return ctx.hs[1].copy(), ctx.cs[1].copy()

    @staticmethod
    def backward(ctx: Function, g_h: Tensor, g_c: Tensor) -> tuple:
        x, w_ih, w_hh = (t.data for t in ctx.saved_tensors)
        slopes, gh, gc = carry(ctx.hs, ctx.cs, ctx.kept, w_hh, None, g_h.data, g_c.data)
        return gather(ctx, slopes, slopes, x, ctx.hs, w_ih, gh, gc)

    @staticmethod
    def plain(x, h, c, w_ih, w_hh, b_ih, b_hh):
        gates, size = shifted(x @ w_ih.T + h @ w_hh.T, b_ih, b_hh), h.shape[-1]
        i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(GATES))
        c = sigmoid(f) * c + sigmoid(i) * g.tanh()
        return sigmoid(o) * c.tanh(), c


def run(x, h, c, w_ih, w_hh, b_ih, b_hh) -> tuple:
    """All h and c, the given ones first, and (gates, tanh c) of all steps."""
    xp, dtype = array_module(x), x.dtype
    length, batch, size = *x.shape[:2], h.shape[-1]
    half = xp.full((GATES, 1), 0.5, dtype)
    half[2] = 1
    # z / 2 for the sigmoids comes from halved weights.
    wide = xp.repeat(half.reshape(-1), size)
    recurrent = xp.ascontiguousarray(w_hh.T) * wide
    shift = 1 - wide
    gates = project(x, w_ih * wide[:, None])
    for bias in (b_ih, b_hh):
        if bias is not None:
            gates += bias * wide
    hs = xp.empty((length + 1, batch, size), dtype)
    cs, tanhs = xp.empty_like(hs), xp.empty_like(hs)
    hs[0], cs[0] = h, c
    carried = xp.empty(gates.shape[1:], dtype)
    product = xp.empty((batch, size), dtype)
    blocks = gates.reshape(length, batch, GATES, size)
    for t in range(length):
        z, (i, f, g, o) = gates[t], blocks[t].swapaxes(0, 1)
        xp.matmul(hs[t], recurrent, out=carried)
        z += carried
        xp.tanh(z, out=z)
        z *= wide
        z += shift
        xp.multiply(f, cs[t], out=cs[t + 1])
        xp.multiply(i, g, out=product)
        cs[t + 1] += product
        xp.tanh(cs[t + 1], out=tanhs[t])
        xp.multiply(o, tanhs[t], out=hs[t + 1])
    return hs, cs, (gates, tanhs[:length])


def carry(hs, cs, kept, w_hh, g_out, g_h, g_c) -> tuple:
    """d / d z of all steps, and the gradients of the given h and c."""
    gates, tanhs = kept
    xp, length = array_module(gates), len(gates)
    batch, size = hs.shape[1:]
    i, f, g, o = _blocks(gates, size)
    z = xp.empty_like(gates)
    # What multiplies dc in i, f and g, and dh in o: the slope times the partner.
    xp.multiply(gates, gates, out=z)
    xp.subtract(gates, z, out=z)
    zi, zf, zg, zo = _blocks(z, size)
    zi *= g
    zf *= cs[:-1]
    xp.multiply(g, g, out=zg)
    xp.subtract(1, zg, out=zg)
    zg *= i
    zo *= tanhs
    through = tanhs * tanhs
    xp.subtract(1, through, out=through)
    through *= o
    dh, dc = g_h.copy(), g_c.copy()
    product = xp.empty_like(dh)
    for t in reversed(range(length)):
        if g_out is not None:
            dh += g_out[t]
        xp.multiply(dh, through[t], out=product)
        dc += product
        block = z[t].reshape(batch, GATES, size)
        block[:, :3] *= dc[:, None]
        block[:, 3] *= dh
        xp.matmul(z[t], w_hh, out=dh)
        dc *= f[t]
    return z, dh, dc


def project(x: Any, weight: Any) -> Any:
    """x W^T for all steps in one product: (length, batch, gates)."""
    xp, (length, batch, features) = array_module(x), x.shape
    out = xp.empty((length, batch, len(weight)), x.dtype)
    rows = length * batch
    xp.matmul(x.reshape(rows, features), weight.T, out=out.reshape(rows, len(weight)))
    return out


def gather(ctx, z_ih, z_hh, x, hs, w_ih, *states) -> tuple:
    """The gradients of input, states, weights and biases from those of the gates.

    `z_ih` and `z_hh` are the gradients of the products with x and with h.
    """
    xp, count = array_module(z_ih), len(states)
    needs = ctx.needs_input_grad
    rows = z_ih.shape[0] * z_ih.shape[1]
    flat_i, flat_h = (z.reshape(rows, z.shape[2]) for z in (z_ih, z_hh))
    gx = g_ih = g_hh = gb_i = gb_h = None
    if needs[0]:
        gx = xp.empty(x.shape, x.dtype)
        xp.matmul(flat_i, w_ih, out=gx.reshape(rows, x.shape[-1]))
    if needs[count + 1]:
        g_ih = xp.matmul(flat_i.T, x.reshape(rows, x.shape[-1]))
    if needs[count + 2]:
        g_hh = xp.matmul(flat_h.T, hs[:-1].reshape(rows, hs.shape[-1]))
    if needs[count + 3]:
        gb_i = column_sums(flat_i)
    if needs[count + 4]:
        gb_h = column_sums(flat_h)
    return gx, *states, g_ih, g_hh, gb_i, gb_h


def data_of(*tensors: Tensor | None) -> list:
    """The arrays of those tensors that there are, None for the others."""
    return [None if t is None else t.data for t in tensors]


def shifted(x: Tensor, *biases: Tensor | None) -> Tensor:
    """`x` plus those biases that there are."""
    for bias in biases:
        x = x if bias is None else x + bias
    return x


def sigmoid(x: Tensor) -> Tensor:
    """By tanh, as the fused step computes it: no overflow."""
    return (x * 0.5).tanh() * 0.5 + 0.5


def _blocks(gates: Any, size: int) -> tuple:
    return tuple(gates[..., k * size : (k + 1) * size] for k in range(GATES))
