"""Tables and pictures of one recording, and the film over a training."""

import re

import numpy as np
import pytest
import torch
from scripts import explain as script

from src.audio.read import Audio
from src.audio.wav import write_wav
from src.explain.attention_maps import attention_weights, cross_attention
from src.explain.decode_table import frame_table, glance_table, token_table
from src.explain.explain import explain, recognise
from src.explain.training_gif import draw_training
from src.models.attention import Attention
from src.models.cif import cif
from src.training.load import load_model
from src.utils.cif_picture import Fired, draw_fired
from src.utils.errors import InputError
from src.utils.plots import new_figure
from tests.test_models import batch_of, both, build
from tests.tiny import command_of, start, tiny_checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("explained")
    some = ("model.alpha_bias=0", "data.toy.tokens=9", "train.keep=3")
    assert start(out, *some) == 0
    return out / "run"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "a b.wav"
    write_wav(path, 0.1 * torch.randn(8000), 8000)
    return path


@pytest.mark.spec("ASR-178", "the weight of each frame, their sum, and what fires")
def test_the_frame_table_names_each_token_where_the_sum_reaches_it():
    alphas = torch.tensor([[0.5, 0.25, 0.75, 0.25, 0.5, 0.25]])
    found = cif(torch.randn(1, 6, 4), alphas, tail=0.5)
    lines = frame_table(found, ["a", "b", "c"], 0.04).splitlines()
    fired = {line.split()[-1]: line.split()[0] for line in lines[1:]}
    assert fired["a"] == "2" and fired["b"] == "4" and fired["c"] == "tail"
    assert [float(line.split()[1]) for line in lines[1:4]] == [0.0, 0.04, 0.08]


@pytest.mark.spec("ASR-179", "its three best guesses with their probabilities")
def test_the_token_table_has_the_numbers_of_the_logits(run):
    loaded = load_model(run / "checkpoints/best.pt")
    torch.manual_seed(0)
    said = recognise(loaded.model, torch.randn(60, 8))
    assert said.lengths[0] > 0
    lines = token_table(said, loaded.tokenizer, 0.02).splitlines()[1:]
    assert len(lines) == said.lengths[0]
    p = said.logits[0, 0].softmax(-1)
    entropy = float(-(p * p.log()).sum())
    cells = re.split(r"\s{2,}", lines[0].strip())
    assert float(cells[1]) == pytest.approx(
        float(said.cif.boundaries[0, 0]) * 0.02, abs=1e-4
    )
    assert float(cells[2]) == pytest.approx(entropy, abs=1e-4)
    best = loaded.tokenizer.pieces[int(p.argmax())]
    assert cells[3] == f"{best} {p.max():.3f}"


@pytest.mark.spec("ASR-180", "both passes of the training")
def test_the_glance_table_shows_both_passes():
    model = build()
    heard, (tokens, _) = both(batch_of([60], [6]))
    said = model.recognise(*heard)

    class Pieces:
        pieces = [f"<{i}>" for i in range(9)]

    rows = glance_table(model, said, tokens[0], Pieces, 1.0).splitlines()[1:]
    assert [row.split()[1] for row in rows] == [f"<{i}>" for i in tokens[0].tolist()]
    shown = [row for row in rows if "shown" in row]
    wrong = [row for row in rows if row.split()[2] != row.split()[1]]
    assert len(shown) == len(wrong) > 0


@pytest.mark.spec("ASR-181", "the weights that the decoder used")
def test_attention_weights_are_those_that_mix():
    torch.manual_seed(0)
    attention = Attention(8, 2).double().eval()
    queries, keys = (torch.randn(2, n, 8, dtype=torch.float64) for n in (3, 5))
    mask = torch.tensor([[[True] * 5], [[True, True, False, False, False]]])
    weights = attention_weights(attention, queries, keys, mask)
    kept = attention.project(keys)
    mixed = attention.out((weights @ kept.v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(mixed, attention(queries, keys, mask))
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))
    assert (weights[1, :, :, 2:] == 0).all()


def test_one_map_a_layer():
    model = build()
    heard, said = both(batch_of([60, 40], [6, 2]))
    maps = cross_attention(model.decoder, lambda: model(*heard, *said))
    assert [tuple(m.shape) for m in maps] == [(2, 2, 6, 15)] * 2
    assert not any(m._forward_hooks for m in model.modules())


def drawn_lines(fired: Fired) -> tuple[list, list[str]]:
    figure = new_figure(5, 4)
    draw_fired(figure, figure.add_gridspec(1, 1)[0], fired)
    figure.canvas.draw()
    axes = figure.axes
    return axes, [text.get_text() for axis in axes for text in axis.texts]


@pytest.mark.spec("ASR-182", "log-mel, weights, their running sum")
def test_the_picture_shows_the_sum_and_the_names():
    alphas = np.array([0.5, 0.5, 0.2, 0.8])
    fired = Fired(np.zeros((8, 3)), 0.01, alphas, 0.02, [0.04, 0.08], ["a", "b"], "t")
    axes, names = drawn_lines(fired)
    assert names == ["a", "b"] and len(axes) == 3
    total = axes[2].lines[0].get_ydata()
    np.testing.assert_allclose(total, [0, 0.5, 1.0, 1.2, 2.0])
    bars = [patch.get_height() for patch in axes[1].patches]
    np.testing.assert_allclose(bars, alphas)


@pytest.mark.parametrize("frames", [0, 1])
def test_a_picture_of_next_to_nothing(frames):
    fired = Fired(np.zeros((frames, 3)), 0.01, np.zeros(0), 0.02, [], [], "")
    axes, names = drawn_lines(fired)
    assert len(axes) == 1 and names == []


@pytest.mark.spec("ASR-183", "a GIF with a frame for each epoch that `train.keep`")
def test_a_film_has_a_frame_for_each_epoch(run, sound, tmp_path):
    count = draw_training(run, sound, tmp_path / "film.gif")
    data = (tmp_path / "film.gif").read_bytes()
    assert count == 3 and data[:4] == b"GIF8"
    assert data.count(b"\x21\xf9\x04") == 3  # a control block before each picture


def test_the_command_writes_pictures_and_prints_tables(run, sound, tmp_path, capsys):
    best = run / "checkpoints/best.pt"
    where = ["--checkpoint", best, "--input", sound, "--out", tmp_path, "--text", "abc"]
    assert command_of(script.command, "explain.py", *where) == 0
    said = capsys.readouterr().out
    assert "frame" in said and "pass 2" in said and "heard" in said
    assert (tmp_path / "a b.cif.png").stat().st_size > 5000


def test_the_pictures_lie_in_the_run(tmp_path, sound, monkeypatch):
    best = tiny_checkpoint(tmp_path, "model.alpha_bias=0")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    given = ["--checkpoint", best, "--input", sound]
    assert command_of(script.command, "explain.py", *given) == 0
    assert (tmp_path / "run/explained/a b.cif.png").exists()
    assert not list((tmp_path / "here").iterdir())


def test_a_film_without_epochs_is_refused_before_anything(tmp_path, sound, capsys):
    best = tiny_checkpoint(tmp_path)
    given = ["--checkpoint", best, "--input", sound, "--film"]
    capsys.readouterr()
    assert command_of(script.command, "explain.py", *given) == 2
    shown = capsys.readouterr()
    assert "--film: " in shown.err and "has kept 0 epochs" in shown.err
    assert shown.out == "" and not (tmp_path / "run/explained").exists()


@pytest.mark.parametrize("loud", [False, True])
def test_silence_is_told(run, tmp_path, capsys, loud):
    write_wav(tmp_path / "x.wav", 0.01 * loud * torch.randn(4000), 8000)
    where = ["--input", tmp_path / "x.wav", "--out", tmp_path]
    given = ["--checkpoint", run / "checkpoints/best.pt", *where]
    assert command_of(script.command, "explain.py", *given) == 0
    assert ("is silence: scripts/infer.py hears" in capsys.readouterr().err) != loud


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(31.0, "has 31 s, and a picture shows 30"), (0.001, "less than one frame")],
)
def test_audio_that_no_picture_can_show_is_refused(run, tmp_path, seconds, words):
    path = tmp_path / "x.wav"
    write_wav(path, torch.zeros(int(8000 * seconds)), 8000)
    with pytest.raises(InputError, match=words):
        explain(run / "checkpoints/best.pt", path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_samples_that_are_no_numbers_are_refused(run, tmp_path, monkeypatch):
    waveform = torch.zeros(4000)
    waveform[7] = torch.nan
    read = "src.explain.explain.read_audio"
    monkeypatch.setattr(read, lambda path: Audio(waveform, 8000))
    with pytest.raises(InputError, match="sample 7 of the audio is not a finite"):
        explain(run / "checkpoints/best.pt", tmp_path / "x.wav", tmp_path / "out")


def test_a_model_of_one_pass_has_no_second_to_show(tmp_path, sound):
    best = tiny_checkpoint(tmp_path, "model.glance=0")
    with pytest.raises(InputError, match="--text: this model was trained with"):
        explain(best, sound, tmp_path / "out", text="a")


def test_a_model_that_fires_nothing_is_refused(tmp_path, sound):
    assert start(tmp_path, "model.name=ctc", "train.epochs=1") == 0
    best = tmp_path / "run/checkpoints/best.pt"
    with pytest.raises(InputError, match="is a ctc, which fires no tokens"):
        explain(best, sound, tmp_path / "out")
    with pytest.raises(InputError, match="has kept 0 epochs, and a film needs two"):
        draw_training(tmp_path / "run", sound, tmp_path / "film.gif")
