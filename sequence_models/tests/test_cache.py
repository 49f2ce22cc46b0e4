"""With a cache, in chunks, with a window, cropped, reordered: the same as without."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from src.models.blocks import Block
from src.models.cache import SPARE, KVCache, LayerCache
from src.models.masks import Mask
from src.models.positions import RotaryPositions, alibi_slopes, restart


D_MODEL, HEADS, KV_HEADS, BATCH, TIME = 16, 4, 2, 2, 12
PAD = torch.tensor([[5], [3]])
OPTIONS = {"norm": "rms", "ffn": "swiglu", "kv_heads": KV_HEADS, "qk_norm": True}


class Stack:
    """Two blocks, whole or through a cache."""

    def __init__(self, dtype=torch.float64, window=None, alibi=False, time=TIME):
        torch.manual_seed(0)
        self.window, self.dtype = window, dtype
        self.blocks = [
            Block(D_MODEL, HEADS, 24, **OPTIONS).to(dtype).eval() for _ in range(2)
        ]
        self.rotary = RotaryPositions(time, D_MODEL // HEADS).to(dtype)
        slopes = alibi_slopes(HEADS) if alibi else None
        self.mask = Mask(causal=True, window=window, slopes=slopes)
        self.x = torch.randn(BATCH, time, D_MODEL, dtype=dtype)

    def new_cache(self) -> KVCache:
        size = 2, BATCH, KV_HEADS, self.x.shape[1], D_MODEL // HEADS
        return KVCache(*size, window=self.window, dtype=self.dtype)

    @torch.no_grad()
    def __call__(self, x: Tensor, cache: KVCache | None = None) -> Tensor:
        past = 0 if cache is None else cache.past
        rotation = self.rotary(slice(past, past + x.shape[1]))
        for number, block in enumerate(self.blocks):
            layer = None if cache is None else cache[number]
            x = block(x, self.mask, rotation=rotation, cache=layer)
        return x

    def in_chunks(self, sizes: list[int], cache: KVCache | None = None) -> Tensor:
        cache = self.new_cache() if cache is None else cache
        parts = self.x[:, cache.past :].split(sizes, dim=1)
        return torch.cat([self(part, cache) for part in parts], dim=1)


def chunks(total: int):
    """Sizes that add up to the total."""
    cuts = st.sets(st.integers(1, total - 1)).map(lambda s: [0, *sorted(s), total])
    return cuts.map(lambda c: [b - a for a, b in zip(c[:-1], c[1:], strict=True)])


@pytest.mark.spec("SEQ-059", "to 1e-10 in float64, 1e-5 in float32")
@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.float64, 1e-10), (torch.float32, 1e-5)]
)
@pytest.mark.parametrize("alibi", [False, True], ids=["rope", "and alibi"])
@pytest.mark.parametrize("window", [None, 1, 4])
@settings(max_examples=10)
@given(sizes=chunks(TIME))
def test_chunks_through_a_cache_equal_the_whole(dtype, most, alibi, window, sizes):
    stack = Stack(dtype, window, alibi)
    whole, by_chunk = stack(stack.x), stack.in_chunks(sizes)
    torch.testing.assert_close(by_chunk, whole, rtol=0, atol=most)


@pytest.mark.spec("SEQ-059", "a window of which the buffer holds two and some")
@pytest.mark.parametrize(
    "sizes", [[1] * 300, [150, 1, 1, 147, 1], [69] * 4 + [24], [299, 1], [4] * 75]
)
def test_a_window_moves_in_a_small_buffer(sizes):
    stack = Stack(window=5, time=300)
    cache = stack.new_cache()
    assert cache[0].stored()[0].untyped_storage().nbytes() == 2 * 69 * 128
    torch.testing.assert_close(
        stack.in_chunks(sizes, cache), stack(stack.x), rtol=0, atol=1e-10
    )


@pytest.mark.spec("SEQ-060", "After `crop(n)` a cache is as after its first n tokens")
@pytest.mark.parametrize("window", [None, 4])
@given(crop=st.integers(0, TIME), sizes=chunks(TIME))
def test_a_cropped_cache_goes_on_as_if_nothing_had_been(window, crop, sizes):
    stack = Stack(window=window)
    cache = stack.new_cache()
    before = stack.in_chunks(sizes, cache)
    stack.x = torch.cat([stack.x[:, :crop], torch.randn_like(stack.x[:, crop:])], dim=1)
    cache.crop(crop)
    assert cache.past == crop
    if crop < TIME:
        again = stack.in_chunks([1] * (TIME - crop), cache)
        wanted = stack(stack.x)
        torch.testing.assert_close(again, wanted[:, crop:], rtol=0, atol=1e-10)
        torch.testing.assert_close(before[:, :crop], wanted[:, :crop])


@pytest.mark.spec("SEQ-060", "what a window has let go")
def test_a_crop_behind_what_a_window_holds_is_refused():
    stack = Stack(window=5, time=300)
    cache = stack.new_cache()
    stack.in_chunks([1] * 300, cache)
    held = cache[0].stored()[0].shape[2]
    assert held >= 5 + SPARE
    for wrong in (-1, 301, 300 - held + 3):
        with pytest.raises(ValueError, match=f"cannot crop to {wrong} tokens"):
            cache.crop(wrong)
    cache.crop(300 - SPARE)
    rest = stack.in_chunks([SPARE], cache)
    torch.testing.assert_close(rest, stack(stack.x)[:, -SPARE:], rtol=0, atol=1e-10)


@pytest.mark.spec("SEQ-060", "after `reorder(rows)` row i is what row rows[i] was")
@pytest.mark.parametrize("rows", [[1, 0], [1, 1], [0], [0, 1, 1, 0]])
def test_rows_of_a_cache_change_places(rows):
    stack = Stack()
    cache = stack.new_cache()
    stack(stack.x[:, :7], cache)
    cache.reorder(torch.tensor(rows))
    moved = stack.x[rows]
    out = torch.cat([stack(moved[:, i : i + 1], cache) for i in range(7, TIME)], dim=1)
    torch.testing.assert_close(out, stack(moved)[:, 7:], rtol=0, atol=1e-10)


@pytest.mark.spec("SEQ-060", "so are more tokens than a cache has room for")
@pytest.mark.parametrize("window", [None, 2])
def test_a_full_cache_says_so_and_stays_as_it_is(window):
    cache = LayerCache(1, 1, 8, 4, window)
    k = torch.randn(1, 1, 6, 4)
    cache.append(k, k)
    said = "room for 8 tokens and holds 6: 3 more do not fit"
    with pytest.raises(ValueError, match=said):
        cache.append(k[:, :, :3], k[:, :, :3])
    assert cache.past == 6
    assert torch.equal(
        cache.append(k[:, :, :2], k[:, :, :2])[0][:, :, -2:], k[:, :, :2]
    )


def test_a_cache_carries_no_gradient_and_no_graph():
    cache = LayerCache(1, 1, 8, 4)
    k = torch.randn(1, 1, 3, 4, requires_grad=True)
    for _ in range(2):
        assert not any(x.requires_grad for x in cache.append(k, k))


def test_a_decoder_with_a_cached_source_equals_one_without():
    torch.manual_seed(0)
    block = Block(D_MODEL, HEADS, 24, cross=True, kv_heads=2).double().eval()
    x = torch.randn(BATCH, TIME, D_MODEL).double()
    source = torch.randn(BATCH, 5, D_MODEL).double()
    kept = {"encoded": source, "source_mask": Mask(pad_mask=torch.arange(5) < PAD)}
    whole = block(x, Mask(causal=True), **kept)
    own = LayerCache(BATCH, 2, TIME, 4, dtype=torch.float64)
    of_source = LayerCache(BATCH, 2, 5, 4, dtype=torch.float64)
    with torch.no_grad():
        parts = [
            block(part, Mask(causal=True), cache=own, source_cache=of_source, **kept)
            for part in x.split([4, 1, 1, 6], dim=1)
        ]
    assert of_source.past == 5
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-10)


@pytest.mark.spec(
    "SEQ-061", "each document gives what it gives alone, and its gradients"
)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.booleans())
def test_packed_documents_equal_separate_ones(lengths, alibi):

    total = sum(lengths)
    stack = Stack(alibi=alibi, time=max(total, TIME))
    x = torch.randn(1, total, D_MODEL, dtype=torch.float64, requires_grad=True)
    ids = torch.tensor([[i for i, n in enumerate(lengths) for _ in range(n)]])
    slopes = stack.mask.slopes
    packed = x
    for block in stack.blocks:
        mask = Mask(causal=True, document=ids, slopes=slopes)
        packed = block(packed, mask, rotation=stack.rotary(restart(ids)))
    separate = []
    for part in x.split(lengths, dim=1):
        for block in stack.blocks:
            rotation = stack.rotary(slice(0, part.shape[1]))
            part = block(part, Mask(causal=True, slopes=slopes), rotation=rotation)
        separate.append(part)
    outs = packed, torch.cat(separate, dim=1)
    torch.testing.assert_close(*outs, rtol=0, atol=1e-10)
    grads = [torch.autograd.grad(out.square().sum(), x)[0] for out in outs]
    torch.testing.assert_close(*grads, rtol=0, atol=1e-10)
