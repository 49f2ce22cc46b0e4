"""Keys and values of the tokens so far, in memory that is laid out once.

    cache = KVCache(layers, batch, kv_heads, length, head_dim)
    keys, values = cache[layer].append(k, v)     # all so far, these included

For generation: nothing in it carries a gradient.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


SPARE = 64  # tokens beyond its window that a cache keeps, for `crop` to go back to


class KVCache:
    """One `LayerCache` a layer, for at most `length` tokens in each row."""

    def __init__(
        self,
        layers: int,
        batch: int,
        kv_heads: int,
        length: int,
        head_dim: int,
        *,
        window: int | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        self.layers = [
            LayerCache(
                batch, kv_heads, length, head_dim, window, dtype=dtype, device=device
            )
            for _ in range(layers)
        ]

    @property
    def past(self) -> int:
        """Tokens that the first layer has had; between passes all have had as many."""
        return self.layers[0].past

    @property
    def length(self) -> int:
        return self.layers[0].length

    def __getitem__(self, layer: int) -> "LayerCache":
        return self.layers[layer]

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens, as if the others had never been."""
        for layer in self.layers:
            layer.crop(length)

    def reorder(self, rows: Int[Tensor, " rows"]) -> None:
        """Let row i be what row rows[i] was; there may be more or fewer than before."""
        for layer in self.layers:
            layer.reorder(rows)


class LayerCache:
    """Keys and values of one layer.

    With a `window` only the last tokens are kept, in a buffer of two windows and some:
    when it is full, its later half moves to its front. `append` then returns what a
    query of the window may see, still in order.
    """

    def __init__(
        self,
        batch: int,
        kv_heads: int,
        length: int,
        head_dim: int,
        window: int | None = None,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        self.batch, self.kv_heads, self.head_dim = batch, kv_heads, head_dim
        self.length, self.window = length, window
        self.past = 0  # tokens that it was given
        self._used = 0  # slots of the buffer in use; the last of them is the last token
        self._kept = length if window is None else window + SPARE
        slots = min(length, 2 * self._kept)
        shape = (batch, kv_heads, slots, head_dim)
        self._keys = torch.zeros(shape, dtype=dtype, device=device)
        self._values = torch.zeros(shape, dtype=dtype, device=device)

    @contract
    def append(
        self,
        k: Float[Tensor, "{self.batch} {self.kv_heads} time {self.head_dim}"],
        v: Float[Tensor, "{self.batch} {self.kv_heads} time {self.head_dim}"],
    ) -> tuple[
        Float[Tensor, "{self.batch} {self.kv_heads} total {self.head_dim}"],
        Float[Tensor, "{self.batch} {self.kv_heads} total {self.head_dim}"],
    ]:
        """Keep these and return all that they may look at, themselves last.

        ValueError where there would be more than `length`.
        """
        time = k.shape[2]
        if self.past + time > self.length:
            raise ValueError(
                f"the cache has room for {self.length} tokens and holds {self.past}: "
                f"{time} more do not fit"
            )
        if self._used + time > self._keys.shape[2]:
            return self._append_moving(k, v)
        end = self._used + time
        self._keys[:, :, self._used : end] = k.detach()
        self._values[:, :, self._used : end] = v.detach()
        self._used, self.past = end, self.past + time
        return self._read(time)

    def stored(self) -> tuple[Tensor, Tensor]:
        """All that it holds: keys and values, (batch, kv_heads, total, head_dim)."""
        return self._keys[:, :, : self._used], self._values[:, :, : self._used]

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens.

        ValueError if a window has let go what the token at `length` would look at.
        """
        used = self._used - (self.past - length)
        needed = length if self.window is None else min(length, self.window - 1)
        if not 0 <= length <= self.past or used < needed:
            raise ValueError(
                f"cannot crop to {length} tokens: the cache was given {self.past} "
                f"and holds the last {self._used}"
            )
        self._used, self.past = used, length

    def reorder(self, rows: Tensor) -> None:
        """Let row i be what row rows[i] was."""
        self._keys = self._keys.index_select(0, rows)
        self._values = self._values.index_select(0, rows)
        self.batch = len(rows)

    def _read(self, time: int) -> tuple[Tensor, Tensor]:
        begin = 0
        if self.window is not None:
            begin = max(0, self._used - (self.window - 1 + time))
        places = slice(begin, self._used)
        return self._keys[:, :, places], self._values[:, :, places]

    def _append_moving(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append where the buffer of a window is full, or the chunk longer than it."""
        seen = []
        for store, new in ((self._keys, k), (self._values, v)):
            whole = torch.cat((store[:, :, : self._used], new.detach()), dim=2)
            kept = whole[:, :, -self._kept :]
            store[:, :, : kept.shape[2]] = kept
            seen.append(whole[:, :, -(self.window - 1 + k.shape[2]) :])
        self._used, self.past = kept.shape[2], self.past + k.shape[2]
        return seen[0], seen[1]
