"""The loops of the numba backend, one factory each; `fast_ops.py` compiles them.

A factory takes the rule `fn` and returns a function of flat storages. It is compiled
twice at most: serial, and with `prange` over threads when a large tensor comes.
`salt` keeps the two apart in numba's cache on disk, which looks at the names that a
function captures and not at how it was compiled.

Nothing here allocates an index: the position of a row is found by division, once, and
the elements of the row follow by adding the stride of the last axis.
"""

from collections.abc import Callable

from numba import prange


SEGMENT = 1024  # elements of a row that one task handles
ROWS = 8  # rows of a matrix product that share each loaded row of b


def map_flat(fn: Callable, salt: int) -> Callable:
    def kernel(out, a):
        if salt < 0:
            return
        for i in prange(out.size):
            out[i] = fn(a[i])

    return kernel


def zip_flat(fn: Callable, salt: int) -> Callable:
    def kernel(out, a, b):
        if salt < 0:
            return
        for i in prange(out.size):
            out[i] = fn(a[i], b[i])

    return kernel


def map_strided(fn: Callable, salt: int) -> Callable:
    def kernel(out, a, shape, strides, offset):
        last = shape.size - 1
        columns, step = shape[last], strides[last]
        segments = (columns + SEGMENT - 1) // SEGMENT
        if salt < 0:
            return
        for task in prange(out.size // columns * segments):
            row = task // segments
            first = task % segments * SEGMENT
            rest, p = row, offset
            for d in range(last - 1, -1, -1):
                p += rest % shape[d] * strides[d]
                rest //= shape[d]
            for j in range(first, min(first + SEGMENT, columns)):
                out[row * columns + j] = fn(a[p + j * step])

    return kernel


def zip_strided(fn: Callable, salt: int) -> Callable:
    def kernel(out, a, b, shape, a_strides, b_strides, a_offset, b_offset):
        last = shape.size - 1
        columns, a_step, b_step = shape[last], a_strides[last], b_strides[last]
        segments = (columns + SEGMENT - 1) // SEGMENT
        if salt < 0:
            return
        for task in prange(out.size // columns * segments):
            row = task // segments
            first = task % segments * SEGMENT
            rest, p, q = row, a_offset, b_offset
            for d in range(last - 1, -1, -1):
                i = rest % shape[d]
                rest //= shape[d]
                p += i * a_strides[d]
                q += i * b_strides[d]
            part = out[row * columns + first : row * columns + columns][:SEGMENT]
            p, q = p + first * a_step, q + first * b_step
            if a_step == 1 and b_step == 1:  # the compiler uses vectors where it can
                x, y = a[p : p + part.size], b[q : q + part.size]
                for j in range(part.size):
                    part[j] = fn(x[j], y[j])
            elif a_step == 1 and b_step == 0:
                x, number = a[p : p + part.size], b[q]
                for j in range(part.size):
                    part[j] = fn(x[j], number)
            else:
                for j in range(part.size):
                    part[j] = fn(a[p + j * a_step], b[q + j * b_step])

    return kernel


def fold_runs(fn: Callable, salt: int) -> Callable:
    """Each run along the folded axis in `blocks` parts: out has outputs * blocks."""

    def kernel(out, a, shape, strides, offset, size, step, blocks, start):
        part = (size + blocks - 1) // blocks
        if salt < 0:
            return
        for task in prange(out.size):
            rest, p = task // blocks, offset
            for d in range(shape.size - 1, -1, -1):
                p += rest % shape[d] * strides[d]
                rest //= shape[d]
            first = task % blocks * part
            end = min(first + part, size)
            total = start
            if step == 1 and end - first >= 8:  # four chains, so that none waits
                quarter = (end - first) // 4
                run = a[p + first : p + first + 4 * quarter]
                second, third, fourth = start, start, start
                for k in range(quarter):
                    total = fn(total, run[k])
                    second = fn(second, run[k + quarter])
                    third = fn(third, run[k + 2 * quarter])
                    fourth = fn(fourth, run[k + 3 * quarter])
                total = fn(fn(total, second), fn(third, fourth))
                first += 4 * quarter
            for k in range(first, end):
                total = fn(total, a[p + k * step])
            out[task] = total

    return kernel


def fold_rows(fn: Callable, salt: int) -> Callable:
    """Whole rows at once: for an axis that is not the fastest, as in a sum of rows."""

    def kernel(out, a, shape, strides, offset, size, step, start):
        last = shape.size - 1
        columns, across = shape[last], strides[last]
        segments = (columns + SEGMENT - 1) // SEGMENT
        if salt < 0:
            return
        for task in prange(out.size // columns * segments):
            row = task // segments
            first = task % segments * SEGMENT
            rest, p = row, offset
            for d in range(last - 1, -1, -1):
                p += rest % shape[d] * strides[d]
                rest //= shape[d]
            end = min(first + SEGMENT, columns)
            total = out[row * columns + first : row * columns + end]
            total[:] = start
            for k in range(size):
                q = p + k * step + first * across
                for j in range(total.size):
                    total[j] = fn(total[j], a[q + j * across])

    return kernel


def multiply(salt: int) -> Callable:
    """out (batch, rows, columns) += a b, four steps of the inner axis at a time.

    The last axis of b has stride 1. A block of rows reads the same rows of b while
    they are in the cache.
    """

    def kernel(out, a, b, a_strides, b_strides, a_offset, b_offset, inner):
        batch, rows, columns = out.shape
        blocks = (rows + ROWS - 1) // ROWS
        if salt < 0:
            return
        for task in prange(batch * blocks):
            n, top = task // blocks, task % blocks * ROWS
            p = a_offset + n * a_strides[0]
            q = b_offset + n * b_strides[0]
            for k in range(0, inner - 3, 4):
                at = q + k * b_strides[1]
                b0 = b[at : at + columns]
                b1 = b[at + b_strides[1] : at + b_strides[1] + columns]
                b2 = b[at + 2 * b_strides[1] : at + 2 * b_strides[1] + columns]
                b3 = b[at + 3 * b_strides[1] : at + 3 * b_strides[1] + columns]
                for i in range(top, min(top + ROWS, rows)):
                    of = p + i * a_strides[1] + k * a_strides[2]
                    x0, x1 = a[of], a[of + a_strides[2]]
                    x2, x3 = a[of + 2 * a_strides[2]], a[of + 3 * a_strides[2]]
                    row = out[n, i]
                    for j in range(columns):
                        row[j] += x0 * b0[j] + x1 * b1[j] + x2 * b2[j] + x3 * b3[j]
            for k in range(inner - inner % 4, inner):
                at = q + k * b_strides[1]
                rest = b[at : at + columns]
                for i in range(top, min(top + ROWS, rows)):
                    x = a[p + i * a_strides[1] + k * a_strides[2]]
                    row = out[n, i]
                    for j in range(columns):
                        row[j] += x * rest[j]

    return kernel


def convolve(salt: int) -> Callable:
    """out (batch, out_channels, height, width) += the sum over channels and window."""

    def kernel(out, x, w, x_shape, w_shape, x_strides, w_strides, starts, sign):
        batch, channels, high, wide = out.shape
        if salt < 0:
            return
        for task in prange(batch * channels * high):
            n, o, i = task // (channels * high), task // high % channels, task % high
            row = out[n, o, i]
            for c in range(w_shape[1]):
                for u in range(w_shape[2]):
                    y = i + sign * u
                    if y < 0 or y >= x_shape[2]:
                        continue
                    p = starts[0] + n * x_strides[0] + c * x_strides[1]
                    p += y * x_strides[2]
                    q = starts[1] + o * w_strides[0] + c * w_strides[1]
                    q += u * w_strides[2]
                    for v in range(w_shape[3]):
                        value, shift = w[q + v * w_strides[3]], sign * v
                        for j in range(max(0, -shift), min(wide, x_shape[3] - shift)):
                            row[j] += value * x[p + (j + shift) * x_strides[3]]

    return kernel
