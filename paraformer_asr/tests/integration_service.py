"""The service over HTTP: shapes of answers, refusals in words, health, counts."""

import io
import json
import struct

import numpy as np
import pytest

from src.service.limits import Limits
from tests import served
from tests.served import PATH, form, wav


served.need_extra()

from src.audio.read import read_audio  # noqa: E402 after the check for the extra
from src.inference.recognizer import Recognizer  # noqa: E402


@pytest.fixture(scope="module")
def service():
    with served.running(Limits(seconds=3, inspect_seconds=2, megabytes=0.2)) as one:
        yield one


@pytest.fixture(scope="module")
def said():
    """The same audio by the recogniser itself."""
    recognizer = Recognizer.load(served.checkpoint())
    return recognizer.transcribe(*read_audio(wav()))


@pytest.mark.spec("ASR-131", "the text is that of `Recognizer.transcribe`")
def test_each_format_says_what_the_recogniser_says(service, said):
    from src.inference.outputs import to_srt, to_vtt

    got = {
        name: service.post(wav(), response_format=name)
        for name in ("json", "text", "srt", "vtt", "verbose_json")
    }
    assert said.text
    assert {answer.status for answer in got.values()} == {200}
    assert got["json"].json == {"text": said.text}
    assert got["text"].body.decode() == f"{said.text}\n"
    assert got["srt"].body.decode() == to_srt(said)
    assert got["vtt"].body.decode() == to_vtt(said)
    assert got["verbose_json"].json["text"] == said.text
    assert got["verbose_json"].json["duration"] == said.seconds
    assert "words" not in got["verbose_json"].json


@pytest.mark.spec("ASR-131", "with the tokens as `words` where they are asked for")
def test_words_have_the_times_of_the_tokens(service, said):
    options = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
    words = service.post(wav(), **options).json["words"]
    tokens = [token for segment in said.segments for token in segment.tokens]
    assert [word["word"] for word in words] == [token.token for token in tokens]
    got = [(word["start"], word["end"], word["confidence"]) for word in words]
    want = [(token.start_s, token.end_s, token.confidence) for token in tokens]
    np.testing.assert_allclose(got, want, atol=6e-4)


@pytest.mark.spec("ASR-131", "`language` and `temperature` change nothing")
def test_fields_without_an_effect_have_none_and_say_so(service, said):
    plain = service.post(wav(), response_format="verbose_json").json
    other = service.post(
        wav(), response_format="verbose_json", language="en", temperature="1"
    ).json
    assert other.pop("language") == "en"
    assert other == plain
    fields = service.get("/openapi.json").json["components"]["schemas"]
    (body,) = [f for name, f in fields.items() if "transcriptions" in name]
    for name in ("language", "temperature"):
        assert body["properties"][name]["description"].startswith("No effect")


def test_the_words_of_a_prompt_are_hot_words_for_a_beam(service):
    options = {"response_format": "verbose_json", "prompt": "a Zyx b"}
    assert service.post(wav(), **options).json["method"].endswith("_beam")
    plain = service.post(wav(), **options, method="nar").json
    assert plain["method"] == "nar"


@pytest.mark.parametrize("name", ["ünï côde \N{SNOWMAN}.wav", "../../x", "", "a" * 300])
def test_the_name_of_a_file_means_nothing(service, said, name):
    assert service.post(wav(), name=name).json == {"text": said.text}


def test_other_rates_and_channels_are_heard(service):
    for rate, channels in ((16000, 1), (8000, 2), (44100, 2)):
        got = service.post(
            wav(0.5, rate, channels), response_format="verbose_json"
        ).json
        assert got["duration"] == pytest.approx(0.5, abs=1e-3)
        assert bool(got["notes"]) == (rate != 8000)


@pytest.mark.spec("ASR-132", "the log-mel, the weights and the boundaries")
def test_an_inspection_gives_what_the_picture_is_drawn_from(service, said):
    import base64

    got = service.post(wav(), path="/v1/audio/inspect").json
    inside = Recognizer.load(served.checkpoint()).inspect(*read_audio(wav()))
    assert got["transcript"]["text"] == said.text
    np.testing.assert_allclose(got["alphas"], inside.alphas, atol=2e-5)
    np.testing.assert_allclose(got["boundaries_s"], inside.boundaries, atol=1e-4)
    frames, bins = inside.features.shape
    assert (got["mel"]["frames"], got["mel"]["bins"]) == (frames, bins)
    grey = np.frombuffer(base64.b64decode(got["mel"]["base64"]), np.uint8)
    want = inside.features.flatten().numpy()
    assert np.corrcoef(grey, want)[0, 1] > 0.99


def float_wav(*samples: float) -> bytes:
    data = np.array(samples, "<f4").tobytes()
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 8000, 32000, 4, 32)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


REFUSED = {
    "nothing": (b"", 400, "the file is empty (0 bytes)"),
    "no samples": (wav(0), 400, "the audio is empty: it has no samples"),
    "half a header": (wav()[:30], 400, "the WAV file is cut off"),
    "not a number": (float_wav(0.1, float("nan")), 400, "no numbers"),
    "text": (b"hello there", 415, "this is no audio file: send WAV, FLAC"),
    "a video": (b"\x1aE\xdf\xa3" + bytes(99), 415, "WebM or Matroska is not read here"),
    "a call": (b"\0\0\0 ftypM4A " + bytes(99), 415, "MP4 or M4A is not read here"),
    "too long": (wav(3.1), 413, "the audio is longer than 3 s, the limit"),
    "too fast": (wav(3.1, 44100)[:150_000], 200, ""),
}


@pytest.mark.spec("ASR-133", "An upload is judged by its content alone")
@pytest.mark.parametrize("case", REFUSED)
def test_an_upload_is_refused_in_a_sentence(service, case):
    data, status, words = REFUSED[case]
    if case == "not a number":
        pytest.importorskip("soundfile", reason="float WAV needs it")
    answer = service.post(data)
    assert answer.status == status, answer.body
    assert status == 200 or words in answer.detail


@pytest.mark.spec("ASR-133", "whatever its header says")
def test_audio_that_lies_about_its_length_is_counted(service):
    sound = pytest.importorskip("soundfile", reason="FLAC needs it")
    file = io.BytesIO()
    sound.write(file, np.zeros(8000 * 60, "int16"), 8000, format="FLAC")
    flac = bytearray(file.getvalue())
    assert len(flac) < 10_000  # a minute of silence is a small file
    assert service.post(bytes(flac)).status == 413
    flac[21] &= 0xF0  # of STREAMINFO: 36 bits that say how many samples there are
    flac[22:26] = struct.pack(">I", 100)
    assert service.post(bytes(flac)).status in (200, 400, 413)
    whole = bytearray(wav(60))
    whole[40:44] = struct.pack("<I", 0xFFFFFFFF)
    assert service.post(bytes(whole[:190_000])).status == 413


def test_a_picture_of_long_audio_is_refused_its_text_is_not(service):
    assert service.post(wav(2.5), path="/v1/audio/inspect").status == 413
    assert service.post(wav(2.5)).status == 200


FIELDS = {
    "response_format": ("xml", 422, "response_format: Input should be 'json'"),
    "temperature": ("7", 422, "temperature: Input should be less than or equal to 1"),
    "method": ("ar", 422, "method: this model has auto, nar"),
    "timestamp_granularities[]": ("phone", 422, "timestamp_granularities[]"),
    "language": ("x" * 99, 422, "language: String should have at most 32"),
    "model": ("whisper-1", 404, "model 'whisper-1' is not served here, but 'run'"),
}


@pytest.mark.spec("ASR-133", "A field that is wrong is named")
@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_field_is_named(service, name):
    value, status, words = FIELDS[name]
    answer = service.post(wav(), **{name: value})
    assert (answer.status, words in answer.detail) == (status, True), answer.body


@pytest.mark.spec("ASR-133", "as is a body of another kind")
def test_a_body_of_another_kind_is_refused(service):
    assert service.post(None, model="").status == 422
    assert service.ask("POST", PATH).status == 415
    said = service.ask("POST", PATH, b"{}", content_type="application/json")
    assert (said.status, "not application/json" in said.detail) == (415, True)
    kind = "multipart/form-data"
    assert service.ask("POST", PATH, b"x", content_type=kind).status == 400
    assert service.ask(
        "POST", PATH, b"x", content_type=f"{kind}; boundary=y"
    ).status in (
        400,
        422,
    )


def test_a_file_that_is_sent_as_a_field_is_refused(service):
    body, kind = form(None, file="RIFF")
    assert service.ask("POST", PATH, body, content_type=kind).status == 422


@pytest.mark.spec("ASR-133", "a body that is too large is refused before it is read")
def test_a_large_body_is_refused(service):
    answer = service.post(wav(0.1) + bytes(200_000))
    assert (answer.status, answer.detail) == (
        413,
        "the body is larger than 0.2 MB, the limit",
    )
    connection = service.connection()  # announced, never sent
    connection.putrequest("POST", PATH)
    connection.putheader("content-type", "multipart/form-data; boundary=x")
    connection.putheader("content-length", "999999999999")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_large_body_of_unknown_length_is_refused(service):
    body, kind = form(bytes(400_000))
    connection = service.connection()
    pieces = (body[i : i + 50_000] for i in range(0, len(body), 50_000))
    connection.request(
        "POST", PATH, pieces, {"content-type": kind}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.spec("ASR-143", "an id, the model, the beginning of its file's SHA-256")
def test_an_answer_says_where_it_comes_from(service):
    import hashlib

    digest = hashlib.sha256(served.checkpoint().read_bytes()).hexdigest()
    body, kind = form(wav())
    answer = service.ask("POST", PATH, body, content_type=kind, x_request_id="abc-1")
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["x-model"] == "run"
    assert digest.startswith(answer.headers["x-checkpoint"])
    assert answer.headers["server-timing"].startswith("model;dur=")
    (model,) = service.get("/v1/models").json["data"]
    assert (model["id"], digest.startswith(model["sha256"])) == ("run", True)


@pytest.mark.parametrize("given", ["a b", "<x>", "", "x" * 65, "é"])
def test_an_id_that_could_break_a_log_is_replaced(service, given):
    answer = service.ask("GET", "/healthz", x_request_id=given.encode("latin-1"))
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.spec("ASR-143", "`/metrics` counts them in Prometheus' text format")
def test_metrics_count_answers(service):
    def value(line: str) -> float:
        text = service.get("/metrics").body.decode()
        found = [row.split()[-1] for row in text.splitlines() if row.startswith(line)]
        return float(found[0]) if found else 0.0

    good = f'asr_requests_total{{route="{PATH}",method="POST",status="200"}}'
    bad = good.replace("200", "415")
    before = value(good), value(bad), value("asr_audio_seconds_total")
    service.post(wav(0.5))
    service.post(b"text")
    service.get("/nowhere/<script>")
    served.until(lambda: value(good) == before[0] + 1)
    served.until(lambda: value(bad) == before[1] + 1)
    assert value("asr_audio_seconds_total") == pytest.approx(before[2] + 0.5)
    assert value(f'asr_request_seconds_count{{route="{PATH}"') >= before[0] + before[1]
    assert value("asr_ready") == 1
    assert "<script" not in service.get("/metrics").body.decode()


def test_health_is_said(service):
    assert service.get("/healthz").json == {"status": "alive"}
    assert service.get("/readyz").json["model"] == "run"
    assert service.get("/nowhere").detail == "Not Found"
    wrong = service.ask("DELETE", PATH)
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")


@pytest.mark.spec("ASR-132", "has an example, each error is `detail` and one sentence")
def test_every_status_is_declared_with_an_example(service):
    document = service.get("/openapi.json").json
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for media in answer["content"].values():
                    assert "example" in media or "examples" in media, (path, status)
    declared = document["paths"][PATH]["post"]["responses"]
    assert {"400", "404", "408", "413", "415", "422", "500", "503", "504"} < {*declared}


def test_a_fault_of_ours_is_500_without_its_trace(service, monkeypatch, caplog):
    def broken(*_, **__):
        raise KeyError("a secret of /home/me")

    monkeypatch.setattr(service.service.served.recognizer, "transcribe", broken)
    answer = service.post(wav())
    assert answer.status == 500
    assert answer.detail.endswith(answer.headers["x-request-id"])
    assert b"secret" not in answer.body and b"Traceback" not in answer.body


@pytest.mark.spec("ASR-144", "nothing from another host")
def test_the_page_names_no_other_host(service):
    page = service.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    import re

    parts = re.findall(r'(?:src|href)="(/page/[^"]+)"', page.body.decode())
    assert len(parts) >= 3
    for name in (*parts, "/page/draw.js", "/page/record.js", "/page/wav.js"):
        part = service.get(name)
        assert part.status == 200, name
        plain = part.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in plain, name
    for name in ("/page/index.html", "/page/..%2Fapp.py", "/page/%00"):
        assert service.get(name).status == 404


def test_a_service_that_still_loads_says_so():
    import threading

    go_on = threading.Event()

    def load():
        assert go_on.wait(served.LIMIT)
        raise KeyError("never")

    try:
        with served.running(load=load, wait=False) as starting:
            assert starting.get("/healthz").status == 200
            for path in ("/readyz", "/v1/models"):
                answer = starting.get(path)
                assert (answer.status, answer.detail) == (
                    503,
                    "the model is being loaded",
                )
            answer = starting.post(wav())
            assert (answer.status, answer.headers["retry-after"]) == (503, "2")
            assert json.loads(answer.body)
            go_on.set()
    finally:
        go_on.set()
