"""Which keys each query sees, said without a table of time x total.

Everywhere the queries are the LAST `time` of `total` tokens, so query i stands at
`total - time + i`. (`is_causal` of `F.scaled_dot_product_attention` lets query 0 stand
at 0 instead, which is wrong behind a cache.)
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.tracing import tracing


class Mask:
    """What is hidden, and the linear bias; one object serves all layers of a pass.

    `causal` hides later keys. `window` w leaves the keys nearer than w (w = 1: only
    the token itself). `pad_mask` is True at real keys. `document` leaves the keys of
    the same id. `slopes` adds -slope * distance to the scores of each head (ALiBi).
    """

    # Without `@contract`, which dynamo cannot trace where an object is made.
    def __init__(
        self,
        *,
        causal: bool = False,
        window: int | None = None,
        pad_mask: Bool[Tensor, "batch total"] | None = None,
        document: Int[Tensor, "batch total"] | None = None,
        slopes: Float[Tensor, " heads"] | None = None,
    ):
        if window is not None and window < 1:
            raise ValueError(f"window {window}: must be at least 1")
        if pad_mask is not None and pad_mask.dtype is not torch.bool:
            raise ValueError(f"pad_mask is {pad_mask.dtype}: must be bool, True = real")
        if slopes is not None and slopes.ndim != 1:
            raise ValueError(f"slopes of {tuple(slopes.shape)}: must be one per head")
        self.causal, self.window = causal, window
        self.pad_mask, self.document, self.slopes = pad_mask, document, slopes
        self._positional = pad_mask is None and document is None and slopes is None
        self._dense: dict[tuple, Tensor] = {}

    def hides_nothing(self, time: int, total: int) -> bool:
        """Whether the attention needs no mask at all."""
        if not self._positional or (self.causal and time > 1):
            return False
        return self.window is None or total <= self.window

    def is_triangle(self, time: int, total: int) -> bool:
        """Whether it is the plain causal one, of which fast kernels know."""
        if not (self._positional and self.causal and time == total):
            return False
        return self.window is None or total <= self.window

    def visible(
        self, time: int, total: int, rows: slice, columns: slice, device: torch.device
    ) -> Tensor | None:
        """True where query sees key, in one tile, for broadcasting over heads.

        (batch or 1, 1, rows, columns); None if all is visible.
        """
        self._check(total)
        seen = None
        if self._cuts(total - time, rows, columns):
            distance = self._distance(time, total, rows, columns, device)
            seen = distance >= 0 if self.causal else torch.ones_like(distance).bool()
            if self.window is not None:
                seen = seen & (distance.abs() < self.window)
            seen = seen[None, None]
        if self.pad_mask is not None:
            real = self.pad_mask[:, None, None, columns]
            seen = real if seen is None else seen & real
        if self.document is not None:
            own = self.document[:, total - time :][:, rows]
            same = own[:, None, :, None] == self.document[:, None, None, columns]
            seen = same if seen is None else seen & same
        return seen

    def bias(
        self, time: int, total: int, rows: slice, columns: slice, like: Tensor
    ) -> Tensor | None:
        """-slope * distance in one tile (heads, rows, columns); None without slopes."""
        if self.slopes is None:
            return None
        distance = self._distance(time, total, rows, columns, like.device)
        return -self.slopes.to(like)[:, None, None] * distance.abs()

    def dense(self, time: int, total: int, like: Tensor) -> Tensor:
        """The whole as F.scaled_dot_product_attention takes it, kept for all layers.

        Bool, or with slopes a float bias with -inf at what is hidden.
        """
        # What inference mode made cannot be kept for a gradient, should one be asked
        # of the same mask later.
        frozen = not tracing() and torch.is_inference_mode_enabled()
        key = (time, total, like.dtype, like.device, frozen)
        if key not in self._dense:
            rows, columns = slice(0, time), slice(0, total)
            seen = self.visible(time, total, rows, columns, like.device)
            bias = self.bias(time, total, rows, columns, like)
            if bias is not None and seen is not None:
                seen = bias.masked_fill(~seen, -torch.inf)
            self._dense = {key: bias[None] if seen is None else seen}
        return self._dense[key]

    def reach(self, time: int, total: int, rows: slice) -> tuple[int, int]:
        """First and end of the keys that the places alone leave to these queries."""
        first, last = total - time + rows.start, total - time + rows.stop - 1
        begin = 0 if self.window is None else max(0, first - self.window + 1)
        if self.causal:
            return begin, last + 1
        return begin, total if self.window is None else min(total, last + self.window)

    def _distance(self, time, total, rows: slice, columns: slice, device) -> Tensor:
        """How far each key of the tile lies before the query."""
        past = total - time
        query = torch.arange(past + rows.start, past + rows.stop, device=device)
        return query[:, None] - torch.arange(columns.start, columns.stop, device=device)

    def _cuts(self, past: int, rows: slice, columns: slice) -> bool:
        """Whether causality or window hides anything of a tile."""
        ahead = columns.stop - 1 - (past + rows.start)
        behind = past + rows.stop - 1 - columns.start
        if self.causal and ahead > 0:
            return True
        return self.window is not None and max(ahead, behind) >= self.window

    def _check(self, total: int) -> None:
        for name in ("pad_mask", "document"):
            given = getattr(self, name)
            if given is not None and (given.ndim != 2 or given.shape[1] != total):
                raise ValueError(
                    f"{name} is {tuple(given.shape)}: must be (batch, {total}), as "
                    f"there are {total} keys"
                )


EVERYTHING = Mask()
