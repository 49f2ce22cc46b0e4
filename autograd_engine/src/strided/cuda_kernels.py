"""The kernels of the CUDA backend, one factory each; `cuda_ops.py` launches them.

A thread finds the position of its element by division, as a thread must: it has no
neighbour to start from. Sums and products meet in shared memory.
"""

from collections.abc import Callable

import numpy as np
from numba import cuda


THREADS = 256  # threads a block, a power of two
TILE = 16  # the side of a tile of a matrix product


@cuda.jit(device=True)
def position(number, shape, strides, offset):
    """Where the element of that number in row-major order lies."""
    for d in range(shape.size - 1, -1, -1):
        offset += number % shape[d] * strides[d]
        number //= shape[d]
    return offset


def map_kernel(fn: Callable) -> Callable:
    rule = cuda.jit(device=True)(fn)

    @cuda.jit
    def kernel(out, a, shape, strides, offset):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = rule(a[position(i, shape, strides, offset)])

    return kernel


def zip_kernel(fn: Callable) -> Callable:
    rule = cuda.jit(device=True)(fn)

    @cuda.jit
    def kernel(out, a, b, shape, a_strides, b_strides, a_offset, b_offset):
        i = cuda.grid(1)
        if i < out.size:
            x = a[position(i, shape, a_strides, a_offset)]
            out[i] = rule(x, b[position(i, shape, b_strides, b_offset)])

    return kernel


def reduce_kernel(fn: Callable) -> Callable:
    """One block an output, for any size of the folded axis.

    Thread t folds the elements t, t + n, t + 2n, ... of the n threads; then the lower
    half takes over from the upper half until one is left.
    """
    rule = cuda.jit(device=True)(fn)

    @cuda.jit
    def kernel(out, a, shape, strides, offset, size, step, start):
        shared = cuda.shared.array(THREADS, np.float64)
        t = cuda.threadIdx.x
        first = position(cuda.blockIdx.x, shape, strides, offset)
        total = start
        for k in range(t, size, cuda.blockDim.x):
            total = rule(total, a[first + k * step])
        shared[t] = total
        half = cuda.blockDim.x // 2
        while half > 0:
            cuda.syncthreads()
            if t < half:
                shared[t] = rule(shared[t], shared[t + half])
            half //= 2
        if t == 0:
            out[cuda.blockIdx.x] = shared[0]

    return kernel


@cuda.jit
def multiply_kernel(out, a, b, sizes, a_strides, b_strides, a_offset, b_offset):
    """A block of threads makes one tile of out (batch, rows, columns).

    It walks along the inner axis, loading one tile of each matrix into shared memory,
    zeros beyond the edge, so that every number is read once a tile and not once a sum.
    The third axis of the grid counts the batch.
    """
    left = cuda.shared.array((TILE, TILE), np.float64)
    right = cuda.shared.array((TILE, TILE), np.float64)
    batch, rows, inner, columns = sizes
    j, i = cuda.threadIdx.x, cuda.threadIdx.y
    row = cuda.blockIdx.x * TILE + i
    column = cuda.blockIdx.y * TILE + j
    for n in range(cuda.blockIdx.z, batch, cuda.gridDim.z):
        p = a_offset + n * a_strides[0] + row * a_strides[1]
        q = b_offset + n * b_strides[0] + column * b_strides[2]
        total = 0.0
        for k in range(0, inner, TILE):
            left[i, j] = 0.0
            right[i, j] = 0.0
            if row < rows and k + j < inner:
                left[i, j] = a[p + (k + j) * a_strides[2]]
            if column < columns and k + i < inner:
                right[i, j] = b[q + (k + i) * b_strides[1]]
            cuda.syncthreads()
            for m in range(TILE):
                total += left[i, m] * right[m, j]
            cuda.syncthreads()  # before the next tile overwrites this one
        if row < rows and column < columns:
            out[(n * rows + row) * columns + column] = total


@cuda.jit
def convolve_kernel(out, x, w, sizes, x_shape, w_shape, x_strides, w_strides, starts):
    """A thread an output; `starts` has the offsets of x and w and the sign."""
    number = cuda.grid(1)
    if number >= out.size:
        return
    wide, high, channels = sizes[3], sizes[2], sizes[1]
    j, i = number % wide, number // wide % high
    o = number // (wide * high) % channels
    n = number // (wide * high * channels)
    total = 0.0
    for c in range(w_shape[1]):
        for u in range(w_shape[2]):
            for v in range(w_shape[3]):
                y, z = i + starts[2] * u, j + starts[2] * v
                if 0 <= y < x_shape[2] and 0 <= z < x_shape[3]:
                    p = starts[0] + n * x_strides[0] + c * x_strides[1]
                    q = starts[1] + o * w_strides[0] + c * w_strides[1]
                    p += y * x_strides[2] + z * x_strides[3]
                    total += x[p] * w[q + u * w_strides[2] + v * w_strides[3]]
    out[number] = total
