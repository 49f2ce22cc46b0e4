"""CTC, NAR and AR on the same sound: what each says, its times, where they differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.inference import side_by_side as module
from src.inference.search import ALONE, methods_of
from src.inference.side_by_side import Asked, methods_beside, side_by_side, why_missing
from src.metrics.aligned import aligned
from src.metrics.edit_distance import edit_distance
from tests.spoken import RATE, load, sound


TEXTS = st.lists(st.text("abc", max_size=7).map(list), max_size=4)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    names = ("paraformer", "transformer", "ctc")
    return {name: load(tmp_path_factory.mktemp(name), name=name) for name in names}


@pytest.mark.spec("ASR-197", "with that method")
@pytest.mark.parametrize("name", ["paraformer", "transformer", "ctc"])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.8, 3.0])
def test_each_method_says_what_the_recogniser_says(models, name, seconds):
    recognizer, waveform = models[name], sound(seconds)
    if seconds == 3.0:  # with a pause, at which it is cut into two
        waveform[RATE : 2 * RATE] *= 0
    for width in (0, 10):
        methods = list(methods_beside(recognizer.methods, width=width).values())
        assert len(methods) == (1 if name == "ctc" else 2)
        found = alone(recognizer, waveform, methods)
        for method, timed in found.items():
            said = recognizer.transcribe(waveform, RATE, method=method)
            assert (timed.text, timed.segments) == (said.text, said.segments)
            assert timed.text or seconds < 0.5


@pytest.mark.spec("ASR-201", "choose the beam searches")
def test_hot_words_and_widths_reach_the_beams_alone(models):
    recognizer, waveform = models["paraformer"], sound(2.0)
    assert methods_beside(recognizer.methods) == {"ctc": "ctc", "nar": "nar"}
    beams = methods_beside(recognizer.methods, helped=True)
    assert beams == methods_beside(recognizer.methods, width=3)
    assert beams == {"ctc": "ctc_beam", "nar": "nar_beam"}

    helps = recognizer.helps(["dada"])
    both = ["nar", *beams.values()]
    found = alone(recognizer, waveform, both, helps)
    for method in beams.values():
        said = recognizer.transcribe(waveform, RATE, method=method, hotwords=["dada"])
        assert found[method].text == said.text
    assert found["nar"].text == recognizer.transcribe(waveform, RATE).text
    narrow = alone(recognizer, waveform, ["ctc_beam"], width=1)
    wide = alone(recognizer, waveform, ["ctc_beam"], width=10)
    assert narrow["ctc_beam"].text != wide["ctc_beam"].text


@pytest.mark.spec("ASR-198", "which runs once for all methods of a checkpoint")
@pytest.mark.spec("ASR-198", "each the fastest of up to eight runs")
def test_times_are_the_least_of_the_encoder_and_of_what_comes_behind(
    models, monkeypatch
):
    recognizer, clock, heard = models["paraformer"], [0.0], []
    costs = {"encode": iter([4, 2, 1, 2, 3, 2, 3, 4]), "ctc": 5.0, "nar": 7.0}
    encode, decode = recognizer.encode, recognizer.decode

    def counted(features):
        heard.append(1)
        clock[0] += next(costs["encode"]) / 100
        return encode(features)

    def slow(piece, rate, encoded, method, *more):
        clock[0] += costs[method] / 1000
        return decode(piece, rate, encoded, method, *more)

    for name in ("perf_counter", "thread_time"):
        monkeypatch.setattr(module.time, name, lambda: clock[0])
    monkeypatch.setattr(recognizer, "encode", counted)
    monkeypatch.setattr(recognizer, "decode", slow)
    found = alone(recognizer, sound(0.5), ["ctc", "nar"])
    assert len(heard) == 8
    for method in ("ctc", "nar"):
        assert found[method].encoder_s == pytest.approx(0.01)
        assert found[method].decoder_s == pytest.approx(costs[method] / 1000)


@pytest.mark.spec("ASR-197", "Of a method that the checkpoint lacks one sentence")
def test_what_a_checkpoint_lacks_is_said_with_what_to_train(models):
    known = models["paraformer"].methods
    said = why_missing("ar", known)
    assert "one token after the other (it has nar, nar_beam, ctc, ctc_beam)" in said
    assert "model.name=transformer" in said and said.count(". ") == 0
    assert "model.name=paraformer" in why_missing("nar", models["ctc"].methods)
    untrained = methods_of(models["paraformer"].loaded.config)
    assert "ctc" in untrained and "loss.ctc above 0" in why_missing("ctc", ("ar",))


@pytest.mark.spec("ASR-199", "a row without its gaps is what its method says")
@pytest.mark.spec("ASR-199", "as many cells as the edit distance")
@given(TEXTS)
def test_rows_are_aligned_and_lose_nothing(rows):
    cells = aligned(rows)
    assert [[c for c in row if c is not None] for row in cells] == rows
    assert len({len(row) for row in cells}) <= 1
    columns = zip(*cells, strict=True)
    assert all(any(cell is not None for cell in one) for one in columns)
    for row, plain in zip(cells, rows, strict=True):
        differ = sum(a != b for a, b in zip(cells[0], row, strict=True))
        assert differ == edit_distance(rows[0], plain)


def alone(recognizer, waveform, methods, helps=ALONE, width=0):
    (found,) = side_by_side([Asked(recognizer, methods, helps)], waveform, RATE, width)
    return found
