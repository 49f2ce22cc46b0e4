"""The memory tape: what lives how long, and that watching changes nothing."""

import numpy as np
import pytest

import src as ag
from src.engine import backward
from src.engine.function import Function
from src.engine.graph import Sums
from src.engine.recompute import checkpoint
from src.look import tape_picture
from src.look.tape import Tape


SIZE = 100 * 8


def leaf(value: float = 0.5) -> ag.Tensor:
    return ag.tensor(np.full(100, value), requires_grad=True)


@pytest.mark.spec("AGE-092", "from when it was made until it was freed")
def test_spans_are_the_lives_of_the_arrays():
    x = leaf()
    with Tape() as tape:
        y = x.exp()  # kept for its own rule and, being an input, for that of mul
        z = y * y
        del y
        loss = z.sum()
        del z  # nothing keeps it
        tape.note("backward")
        loss.backward()
    exp, mul = (next(s for s in tape.spans if s.maker == n) for n in ("exp", "mul"))
    assert exp.bytes == mul.bytes == SIZE
    assert exp.holders == ["exp", "mul", "mul"]
    assert mul.holders == [] and mul.died is not None
    backward_began = tape.notes[1][0]
    assert mul.died <= backward_began < exp.died
    assert tape.spans[-1].died is None  # the gradient of x
    assert tape.now == x.grad.data.nbytes + loss.data.nbytes


def test_inputs_and_views_are_not_counted():
    x = leaf()
    with Tape() as tape:
        x.reshape(10, 10).permute(1, 0)
    assert tape.spans == [] and tape.peak == 0


def test_the_peak_is_that_of_the_arrays_alive_together():
    x = leaf()
    with Tape() as tape, ag.no_grad():
        for _ in range(5):
            x = x + 1.0  # old and new, then only new; the first x was there before
    assert tape.peak == 2 * SIZE and tape.now == SIZE


@pytest.mark.spec("AGE-092", "lowers the peak while no gradient changes")
def test_checkpoint_lowers_the_peak_and_keeps_the_gradients():
    def block(x, w):
        for _ in range(6):
            x = (x * w).tanh()
        return x

    peaks, gradients = [], []
    for save in (False, True):
        weights = [leaf(0.9) for _ in range(4)]
        x = ag.tensor(np.linspace(-1, 1, 100))
        with Tape() as tape:
            for w in weights:
                x = checkpoint(block, x, w) if save else block(x, w)
            loss = x.sum()
            del x
            loss.backward()
        peaks.append(tape.peak)
        gradients.append([w.grad.data for w in weights])
    assert peaks[1] < 0.7 * peaks[0]
    np.testing.assert_array_equal(*gradients)


def test_watching_is_over_at_the_end_also_after_an_error():
    before = (Function.__dict__["apply"], backward.differentiate, Sums.add,
              backward._accumulate)  # fmt: skip
    x = leaf()
    with pytest.raises(ZeroDivisionError), Tape():
        (x * 2.0).sum().backward()
        raise ZeroDivisionError
    after = (Function.__dict__["apply"], backward.differentiate, Sums.add,
             backward._accumulate)  # fmt: skip
    assert before == after
    np.testing.assert_array_equal(x.grad.data, np.full(100, 2.0))


def test_two_tapes_at_once_are_refused():
    with Tape(), pytest.raises(RuntimeError, match="one at a time"), Tape():
        pass
    with Tape():  # the refused one left nothing behind
        pass


def test_the_table_names_sizes_lives_and_holders():
    x = leaf()
    with Tape() as tape:
        loss = x.exp().sum()
    lines = tape.table(limit=1).splitlines()
    assert lines[1].split() == ["800", "1", "end", "exp", "->", "exp"]
    assert lines[2] == "... and 1 smaller arrays"
    assert lines[3] == f"peak {tape.peak} bytes, {tape.now} at the end"
    assert loss.item() > 0


def test_the_picture_is_drawn(tmp_path):
    tapes = {"a": tape_picture.example(False, 1, 1), "b": tape_picture.example(True, 1)}
    tape_picture.draw_tapes(tapes, tmp_path / "t.png")
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="no array on it"):
        tape_picture.draw_tapes({"empty": Tape()}, tmp_path / "t.png")
