"""tools.report: curves with fewer points, and what a step is in epochs and seconds."""

import math

import pytest

from tools.report_curves import POINTS, curves_of, decimate, points_for, scales


INF, NAN = math.inf, math.nan


@pytest.mark.spec("WSP-143", "at most 500 points")
@pytest.mark.parametrize("length", [1, 2, 500, 501, 733, 20_000])
def test_a_long_curve_keeps_its_ends_and_extremes(length):
    values = [math.sin(n * n) for n in range(length)]
    high, low = length // 3, length // 2
    values[low], values[high] = -9.0, 9.0
    steps, kept = decimate(range(length), values, POINTS)
    assert len(steps) <= POINTS and steps == sorted(set(steps))
    assert [values[step] for step in steps] == kept
    assert {0, length - 1, high, low} <= set(steps)
    assert len(steps) > 300 or len(steps) == length


@pytest.mark.spec("WSP-143", "what is not finite")
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_single_value_that_is_not_finite_stays(bad):
    values = [float(n % 7) for n in range(5000)]
    values[2345] = bad
    steps, kept = decimate(range(5000), values, POINTS)
    assert 2345 in steps and len(steps) <= POINTS
    assert sum(not math.isfinite(value) for value in kept) == 1


def test_nothing_but_values_that_are_not_finite_is_thinned_too():
    steps, kept = decimate(range(5000), [NAN] * 5000, POINTS)
    assert 100 < len(steps) <= POINTS and all(map(math.isnan, kept))


@pytest.mark.spec("WSP-143", "fewer where all curves would not fit")
def test_many_long_curves_get_fewer_points_each(monkeypatch):
    curves = {"val": {"loss": (list(range(500)), [0.0] * 500)}}
    assert points_for([curves] * 10) == POINTS
    monkeypatch.setattr("tools.report_curves.ALL_POINTS", 1_000)
    assert points_for([curves] * 10) == 100
    assert points_for([curves] * 1000) == 30


def test_rows_without_a_step_and_cells_without_a_number_are_left_out():
    rows = [
        {"step": 1.0, "epoch": 1.0, "split": "val", "loss": 2.0, "word": "x"},
        {"epoch": 1.0, "split": "val", "loss": 3.0},
        {"step": NAN, "split": "val", "loss": 3.0},
    ]
    assert curves_of(rows) == {"val": {"loss": ([1], [2.0])}}


def test_seconds_leave_out_the_pause_before_a_run_was_resumed():
    events = [
        {"t": f"2026-01-01T{time}+00:00", "step": step, "event": event}
        for time, step, event in [
            ("10:00:00", 0, "start"),
            ("10:00:30", 100, "checkpoint"),
            ("10:00:50", 150, "best"),
            ("23:00:00", 100, "resume"),
            ("23:00:40", 200, "checkpoint"),
            ("damaged", 300, "done"),
        ]
    ]
    rows = [{"step": 50.0, "epoch": 1.0, "split": "val"}]
    assert scales(events, rows) == {
        "epoch": ([0, 50], [0.0, 1.0]),
        "seconds": ([0, 100, 200], [0.0, 30.0, 70.0]),
    }
