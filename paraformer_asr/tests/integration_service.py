"""The service over HTTP: shapes of answers, refusals in words, health, counts."""

import json

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
    answer = service.post(wav(), **options).json
    words = answer["words"]
    spans = [(part["start"], part["end"]) for part in answer["segments"]]
    parts = [(round(s.start_s, 3), round(s.end_s, 3)) for s in said.segments]
    assert spans == parts and all(start < end for start, end in spans)
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
    assert (plain.pop("language"), other.pop("language")) == ("unknown", "en")
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


@pytest.mark.spec("ASR-132", "has an example, each error is one sentence")
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

    parts = re.findall(r'"(/page/[^"]+)"', page.body.decode())
    assert {"/page/widgets.css", "/page/listen.js", "/page/tap.js"} <= {*parts}
    for name in parts:
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
