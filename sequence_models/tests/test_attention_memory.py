"""What the tiles are for: memory that grows with the length, not with its square."""

import pytest
import torch

from src.models.attention import attention_explicit
from src.models.masks import Mask
from src.models.tiled_attention import tiled_attention
from tests.live_memory import LiveMemory


def peak(form, time: int, **mask) -> int:
    """Bytes that live at once, forward and backward."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, time, 8, requires_grad=True) for _ in range(3))
    with LiveMemory() as memory:
        form(q, k, v, Mask(causal=True, **mask)).sum().backward()
    return memory.peak


def test_the_count_sees_what_lives_and_what_is_gone():
    with LiveMemory() as memory:
        kept = torch.zeros(1000)
        for _ in range(3):
            torch.zeros(500)
        kept += 1
    assert memory.peak == 4 * 1500


@pytest.mark.spec("SEQ-052", "grows linearly with the length, forward and backward")
def test_the_tiles_need_memory_linear_in_the_length():
    sizes = [peak(tiled_attention, time) for time in (512, 1024, 2048)]
    more = sizes[1] - sizes[0], sizes[2] - sizes[1]
    assert more[1] <= 2.05 * more[0]
    assert sizes[2] < 2048 * 2048 * 4  # less than half of one table of scores

    explicit = [peak(attention_explicit, time) for time in (256, 512)]
    assert explicit[1] > 3.5 * explicit[0]  # so the count would have seen a table


@pytest.mark.spec("SEQ-052", "also with documents, padding and a window")
def test_nor_do_masks_make_a_table():
    for time in (1024, 2048):
        mask = {
            "window": 700,
            "pad_mask": torch.ones(1, time, dtype=torch.bool),
            "document": torch.arange(time)[None] // 300,
            "slopes": torch.tensor([0.5, 0.25]),
        }
        sizes = peak(tiled_attention, time), peak(tiled_attention, time, **mask)
        assert sizes[1] < sizes[0] + 2**20  # a few tiles more
        assert time < 2048 or sizes[1] < 2048 * 2048  # bytes: no table of booleans
