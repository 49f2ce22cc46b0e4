"""What the page asks, against the library; what it refuses; whose checkpoint it is."""

import base64
import io
import json

import numpy as np
import pytest
import torch

from src.app.build import build, load_usable
from src.app.choice import NONE, Extras
from src.app.examples import find_examples
from src.app.listen import Listen
from src.app.uploads import Upload
from src.audio.read import stream_audio
from src.audio.wav import wav_bytes
from src.inference.side_by_side import methods_beside
from src.service import launch
from src.tokenizers import BLANK
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.served import need_extra
from tests.spoken import RATE, call, make_checkpoint, sound


def upload(content: bytes, name: str = "a.wav") -> Upload:
    return Upload(name, base64.b64encode(content).decode())


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {
        "paraformer": make_checkpoint(folder / "own"),
        "transformer": make_checkpoint(folder / "second", "transformer"),
        "ctc": make_checkpoint(folder / "third", "ctc"),
    }


@pytest.fixture(scope="module")
def models(paths):
    return {name: load_usable(path) for name, path in paths.items()}


@pytest.fixture(scope="module")
def panel(models):
    own = models["paraformer"]
    beside = models["transformer"], "second"
    return Listen(own, "own", find_examples(own), beside=beside)


@pytest.mark.spec("ASR-200", "rounded to 1/255, of those tokens")
def test_what_is_heard_and_drawn_is_what_the_model_says(panel, models):
    recognizer, waveform = models["paraformer"], sound(1.3)
    heard, rate = stream_of(wav_bytes(waveform, RATE))
    found = panel.hear(upload(wav_bytes(waveform, RATE)))
    said, inside = recognizer.transcribe(heard, rate), recognizer.inspect(heard, rate)
    assert found["transcript"]["text"] == said.text != ""
    assert json.loads(found["files"]["verbose_json"])["text"] == said.text
    assert found["files"]["srt"].startswith("1\n00:00:0")
    assert found["alphas"] == pytest.approx(inside.alphas.tolist(), abs=1e-5)
    assert "wav" not in found and "unpictured" not in found

    probs = inside.ctc_logits.exp()
    ctc, tokens = found["ctc"], recognizer.loaded.tokenizer.pieces
    drawn = np.frombuffer(base64.b64decode(ctc["base64"]), np.uint8)
    drawn = drawn.reshape(-1, ctc["frames"])
    seen = [BLANK, *(tokens.index(token) for token in ctc["tokens"])]
    assert len(seen) > 2 and ctc["frames"] == len(probs)
    assert torch.equal(torch.tensor(drawn.T), (255 * probs[:, seen]).round().byte())
    rest = [i for i in range(4, len(tokens)) if i not in seen]
    assert (probs[:, rest] < 0.05).all() and (probs[:, seen].amax(0) >= 0.05).all()


@pytest.mark.spec("ASR-197", "the text, the tokens and the confidence")
@pytest.mark.spec("ASR-197", "takes those from a second checkpoint")
@pytest.mark.parametrize("width", [0, 10])
def test_each_method_stands_with_what_it_says(panel, models, width):
    found = panel.methods(example="test-000001", noise="10", width=width)
    waveform, rate = panel._sound(None, "test-000001", "10")
    spoken, *rows = found["rows"]
    assert [row["family"] for row in rows] == ["ctc", "nar", "ar"]
    assert [row["model"] for row in rows] == ["own", "own", "second"]
    assert found["missing"] == [] and found["seconds"] == len(waveform) / rate
    said = text_of(spoken)
    assert said == panel.examples["test-000001"].spoken
    for row in rows:
        model = models["transformer" if row["model"] == "second" else "paraformer"]
        heard = model.transcribe(waveform, rate, method=row["method"])
        assert row["method"] == row["family"] + ("_beam" if width else "")
        assert row["text"] == heard.text == text_of(row) != ""
        assert row["confidence"] == pytest.approx(heard.confidence)
        sure = [c["confidence"] for c in row["cells"] if c["token"] is not None]
        tokens = [token for s in heard.segments for token in s.tokens]
        assert sure == [token.confidence for token in tokens]
        same = [a["token"] == b["token"] for a, b in pairs(row, spoken)]
        assert [cell["same"] for cell in row["cells"]] == same
        assert row["errors"] == same.count(False)
        assert row["encoder_ms"] > 0 and row["decoder_ms"] > 0


@pytest.mark.spec("ASR-199", "else to that of the model's own method")
def test_a_sound_of_unknown_text_is_aligned_to_the_own_method(panel):
    found = panel.methods(upload(wav_bytes(sound(1.5), RATE)))
    ctc, nar, ar = found["rows"]
    assert all(cell["same"] for cell in nar["cells"]) and nar["errors"] is None
    same = [a["token"] == b["token"] for a, b in pairs(ctc, nar)]
    assert [cell["same"] for cell in ctc["cells"]] == same and False in same
    assert len(ar["cells"]) == len(nar["cells"])


@pytest.mark.spec("ASR-197", "Of a method that the checkpoint lacks one sentence")
@pytest.mark.parametrize(
    "name, lacks", [("paraformer", "ar"), ("transformer", "nar"), ("ctc", "nar ar")]
)
def test_a_method_that_is_lacking_is_named(models, name, lacks):
    alone = Listen(models[name], name, find_examples(models[name]))
    found = alone.methods(example="tones.wav")
    assert [one["family"] for one in found["missing"]] == lacks.split()
    assert all("model.name=" in one["why"] for one in found["missing"])
    told = [row["family"] for row in found["rows"]]
    assert told == [*methods_beside(models[name].methods)]


@pytest.mark.spec("ASR-201", "a hot word that the model cannot write is named")
def test_hot_words_choose_a_beam_and_are_checked(panel):
    found = panel.methods(example="tones.wav", hotwords=" abba  dada ")
    assert {row["method"] for row in found["rows"]} == {
        "ctc_beam", "nar_beam", "ar_beam",
    }  # fmt: skip
    with pytest.raises(InputError, match="hot words: .*'z'"):
        panel.methods(example="tones.wav", hotwords="abba zz")
    with pytest.raises(InputError, match="hot words: 2001 letters, more than 2000"):
        panel.methods(example="tones.wav", hotwords="a" * 2001)
    with pytest.raises(InputError, match="width = 3: choose one of"):
        panel.methods(example="tones.wav", width=3)


@pytest.mark.spec("ASR-206", "the same each time, is put under the sound")
def test_noise_is_put_under_what_is_heard_and_played(panel):
    plain = panel.examples["tones.wav"].waveform
    found = [panel.hear(example="tones.wav", noise="10") for _ in range(2)]
    assert found[0] == found[1] | {"transcript": found[0]["transcript"]}
    played, rate = stream_of(base64.b64decode(found[0]["wav"]))
    noise = played - plain
    snr = 10 * torch.log10(plain.square().mean() / noise.square().mean())
    assert (rate, float(snr)) == (RATE, pytest.approx(10, abs=0.1))
    heard = panel.recognizer.transcribe(played, rate)
    assert found[0]["transcript"]["text"] == heard.text


@pytest.mark.spec("ASR-204", "answered with one sentence on the page")
@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "is empty; choose another file"),
        (b"just words, no sound", "this is no audio file: send WAV, FLAC"),
        (wav_bytes(torch.zeros(0), RATE), "empty: it has no samples"),
        (wav_bytes(torch.zeros(9), RATE)[:30], "header of the WAV file is cut off"),
    ],
)
def test_what_is_no_sound_is_refused_in_a_sentence(panel, content, says):
    for ask in (panel.hear, panel.methods):
        with pytest.raises(InputError, match=says) as refused:
            ask(upload(content, "my/<b>note.wav"))
        assert str(refused.value).startswith("<b>note.wav: ")
    with pytest.raises(InputError, match="no example is named 'x'"):
        panel.hear(example="x")
    with pytest.raises(InputError, match="no example is named 'x'"):
        panel.hear(upload(wav_bytes(sound(0.5), RATE)), example="x")


def test_long_sound_has_no_picture_and_no_methods(models):
    short = Listen(models["ctc"], "ctc", seconds=2, picture_seconds=1)
    audio = upload(wav_bytes(sound(1.5), RATE))
    assert "longer than 1 s, the limit" in short.hear(audio)["unpictured"]
    assert "mel" not in short.hear(audio)
    with pytest.raises(InputError, match="longer than 1 s, the limit"):
        short.methods(audio)
    with pytest.raises(InputError, match="longer than 2 s, the limit"):
        short.hear(upload(wav_bytes(sound(2.5), RATE)))


def test_digital_silence_is_nothing_said_but_an_answer(panel):
    audio = upload(wav_bytes(torch.zeros(RATE), RATE))
    assert panel.hear(audio)["transcript"]["text"] == ""
    rows = panel.methods(audio)["rows"]
    assert {(row["text"], len(row["cells"])) for row in rows} == {("", 0)}


@pytest.mark.spec("ASR-205", "with exit code 2 and one sentence")
@pytest.mark.parametrize("saved", [True, False])
def test_unusable_checkpoints_are_refused(paths, tmp_path, monkeypatch, capsys, saved):
    if not saved:
        need_extra()
        monkeypatch.setattr("signal.signal", lambda *_: None)  # pytest keeps its own
    content = load_checkpoint(paths["paraformer"])
    bad = tmp_path / "bad.pt"
    weights = {name: value.clone() for name, value in content["model"].items()}
    weights["ctc_head.weight"][0] = float("nan")
    save_checkpoint(bad, content | {"model": weights})
    foreign = tmp_path / "foreign.pt"
    torch.save({**content, "project": "vision_cnn"}, foreign)
    for arguments, says in [
        (["--checkpoint", bad], "ctc_head.weight holds values that are not finite"),
        (["--checkpoint", foreign], "was made by vision_cnn; this is paraformer_asr"),
        (["--checkpoint", tmp_path / "no.pt"], "no such checkpoint"),
    ]:
        out = ["--export", tmp_path / "page.html"] if saved else ["--port", 0]
        assert call(monkeypatch, "app", *arguments, *out) == 2
        told = capsys.readouterr()
        assert says in told.err and "Traceback" not in told.err
        assert told.out.startswith("http://127.0.0.1:") != saved


@pytest.mark.spec("ASR-197", "which must write the same tokens")
def test_one_beside_that_writes_other_tokens_is_refused(paths, tmp_path):
    other = make_checkpoint(tmp_path, "transformer")
    content = load_checkpoint(other)
    content["data"]["tokenizer"]["pieces"][-1] = "e"
    save_checkpoint(other, content)
    with pytest.raises(InputError, match="writes other tokens than the checkpoint"):
        build(load_usable(paths["paraformer"]), "a", "b", Extras(beside=other))


@pytest.mark.spec("ASR-196", "serves what `scripts/serve.py` serves")
@pytest.mark.spec("ASR-196", "without `--checkpoint` the best of")
def test_the_app_is_the_service(paths, monkeypatch, capsys, tmp_path):
    asked = []

    def note(*given, extras=NONE):
        asked.append((*given, extras))

    monkeypatch.setattr(launch, "serve", note)
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "app") == 2
    assert "python scripts/train.py --config" in capsys.readouterr().err
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "latest").symlink_to(paths["ctc"].parents[1])
    assert call(monkeypatch, "app", "--beside", "b.pt") == 0
    chosen, address, limits, extras = asked.pop()
    assert chosen.resolve() == paths["ctc"] and str(extras.beside) == "b.pt"
    call(monkeypatch, "serve", "--checkpoint", chosen)
    served, by_hand, defaults, threads, nothing = asked.pop()
    assert (served, by_hand, defaults) == (chosen, address, limits)
    assert (threads, nothing) == (0, NONE)


def test_a_folder_of_examples_is_offered(models, tmp_path):
    with pytest.raises(InputError, match=r"no \.wav file is there"):
        find_examples(models["ctc"], tmp_path)
    (tmp_path / "b.wav").write_bytes(wav_bytes(sound(0.5), RATE))
    (tmp_path / "a.wav").write_bytes(wav_bytes(torch.zeros(0), RATE))
    with pytest.raises(InputError, match=r"a\.wav: an example is a sound of at most"):
        find_examples(models["ctc"], tmp_path)
    (tmp_path / "a.wav").unlink()
    assert [one.name for one in find_examples(models["ctc"], tmp_path)] == ["b.wav"]


def stream_of(content: bytes):
    (block,) = stream_audio(io.BytesIO(content))
    return block


def text_of(row) -> str:
    return "".join(cell["token"] or "" for cell in row["cells"])


def pairs(one, other):
    return zip(one["cells"], other["cells"], strict=True)
