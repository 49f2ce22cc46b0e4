"""Streams: what they say, what they refuse, and that others are served meanwhile."""

import json
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest

from src.service.limits import Limits
from tests import served
from tests.served import tone


served.need_extra()
client = pytest.importorskip("websockets.sync.client", reason="a client of the socket")

from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402

from src.audio.read import read_audio  # noqa: E402
from src.inference.recognizer import Recognizer  # noqa: E402
from src.service.state import load_served  # noqa: E402


LIMITS = Limits(stream_seconds=3, sockets=2, message_bytes=40_000)
CAUSAL = ("model.causal=true", "model.chunk=2", "features.cmvn=none")


@pytest.fixture(scope="module")
def service():
    with served.running(LIMITS) as one:
        yield one


@pytest.fixture(autouse=True)
def none_is_left(service):
    """The next test may open as many streams as are allowed."""
    yield
    served.until(lambda: service.service.streams == 0)


@contextmanager
def stream(service, rate: int = 8000, origin: str | None = None):
    """An open stream, told the sample rate."""
    url = service.url.replace("http", "ws") + "/v1/audio/stream"
    given = {"open_timeout": served.LIMIT, "close_timeout": served.LIMIT}
    with client.connect(url, origin=origin, **given) as socket:
        if rate:
            socket.send(json.dumps({"sample_rate": rate}))
        yield socket


def told(socket) -> dict:
    return json.loads(socket.recv(served.LIMIT))


def final(socket) -> tuple[dict, list[dict]]:
    """The last message, and the partial ones before it."""
    partial = []
    while (message := told(socket))["type"] == "partial":
        partial.append(message)
    return message, partial


def refused(socket) -> tuple[str, int]:
    """The sentence with which a stream ends, and the code."""
    message, _ = final(socket)
    assert message["type"] == "error", message
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(served.LIMIT)
    return message["detail"], closed.value.rcvd.code


def speak(socket, samples, size: int = 2000) -> None:
    for start in range(0, len(samples), size):
        socket.send(samples[start : start + size].tobytes())


@pytest.mark.spec("ASR-138", "its last message is the transcript of all that was sent")
@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_stream_ends_as_the_whole_file_does(service, rate):
    samples = tone(1.2, rate)
    with stream(service, rate) as socket:
        ready = told(socket)
        speak(socket, samples)
        socket.send('{"type": "end"}')
        last, _ = final(socket)
    whole = read_audio(served.wav_of(samples, rate))
    said = Recognizer.load(served.checkpoint()).transcribe(*whole)
    assert (ready["type"], ready["max_seconds"]) == ("ready", 3)
    assert last["type"] == "final"
    assert (last["text"], last["seconds"]) == (said.text, said.seconds)
    assert len(last["transcript"]["words"]) == len(said.segments[0].tokens)


@pytest.mark.spec("ASR-138", "says `whole` in its first message")
def test_a_model_that_needs_the_whole_audio_says_so_and_gives_partial_texts(service):
    with stream(service) as socket:
        ready = told(socket)
        speak(socket, tone(1.0))
        first = told(socket)
        speak(socket, tone(1.0))
        socket.send('{"type": "end"}')
        last, _ = final(socket)
    assert ready["mode"] == "whole" and "decoded again" in ready["note"]
    assert first["type"] == "partial" and first["text"]
    assert 0 < first["seconds"] <= 1.0
    assert last["seconds"] == 2.0


@pytest.mark.spec("ASR-138", "A causal model hears each piece once")
def test_a_causal_model_streams_by_its_own_state():
    load = load_served(served.checkpoint(*CAUSAL))
    with served.running(load=load) as service:
        with stream(service) as socket:
            ready = told(socket)
            speak(socket, tone(1.2))
            socket.send('{"type": "end"}')
            last, _ = final(socket)
        with stream(service, rate=16000) as socket:
            other = told(socket)
        recognizer = service.service.served.recognizer
        inside = recognizer.inspect(*read_audio(served.wav(1.2)))
    assert (ready["mode"], other["mode"]) == ("live", "whole")
    assert "only 8000 Hz" in other["note"]
    assert last["text"] == inside.text != ""
    assert (last["seconds"], len(last["confidence"])) == (1.2, len(inside.tokens))


def test_a_stream_without_audio_has_an_empty_text(service):
    with stream(service) as socket:
        told(socket)
        socket.send('{"type": "end"}')
        last, partial = final(socket)
    assert (last["text"], last["seconds"], partial) == ("", 0.0, [])


@pytest.mark.parametrize(
    "first, words",
    [
        ("hello", "a text message must be JSON"),
        ("[1]", "a text message must be a JSON object"),
        ("[" * 9000, "a text message must be JSON"),
        ("{}", "sample_rate must be a whole number from 1000 to"),
        ('{"sample_rate": "8000"}', "sample_rate must be a whole number"),
        ('{"sample_rate": true}', "sample_rate must be a whole number"),
        ('{"sample_rate": 0}', "sample_rate must be a whole number"),
        ('{"sample_rate": 1e999}', "sample_rate must be a whole number"),
        ('{"rate": 8000}', "the first message must be"),
        (b"\0\0", "the first message must be"),
    ],
)
@pytest.mark.spec("ASR-139", "anything out of turn")
def test_a_wrong_beginning_is_refused(service, first, words):
    with stream(service, rate=0) as socket:
        socket.send(first)
        detail, code = refused(socket)
    assert (words in detail, code) == (True, 1008)


@pytest.mark.parametrize(
    "then, words, code",
    [
        (b"\0\0\0", "3 bytes are no whole 16-bit samples", 1008),
        ('{"sample_rate": 8000}', 'only {"type": "end"} may follow', 1008),
        (bytes(39_000), "more than 3 s of audio", 1009),
    ],
)
@pytest.mark.spec("ASR-139", "more seconds than allowed")
def test_wrong_audio_is_refused(service, then, words, code):
    with stream(service) as socket:
        told(socket)
        try:
            for _ in range(2):
                socket.send(then)
        except ConnectionClosed:
            pass  # it was refused already
        assert refused(socket) == (words, code)


@pytest.mark.spec("ASR-139", "too large a message")
def test_a_large_message_ends_the_stream(service):
    with stream(service) as socket:
        told(socket)
        socket.send(bytes(2 * LIMITS.message_bytes))
        with pytest.raises(ConnectionClosed) as closed:
            final(socket)
    assert closed.value.rcvd.code == 1009


@pytest.mark.spec("ASR-139", "silence of the client")
def test_a_stream_that_says_nothing_is_ended():
    limits = Limits(idle_s=0.3)
    with served.running(limits) as service, stream(service, rate=0) as socket:
        assert refused(socket) == ("nothing came for 0.3 s", 1008)


@pytest.mark.spec("ASR-139", "more streams than allowed")
def test_only_so_many_streams_are_open(service):
    with stream(service) as one, stream(service) as two:
        told(one), told(two)
        with stream(service, rate=0) as third:
            assert refused(third) == ("2 streams are open, the most at one time", 1013)
        assert service.get("/healthz").status == 200
    served.until(lambda: service.service.streams == 0)
    with stream(service) as again:
        assert told(again)["type"] == "ready"


@pytest.mark.spec("ASR-139", "a page of another site")
def test_a_page_of_another_site_may_not_listen(service):
    other_port = service.url.rpartition(":")[0] + ":1"
    for origin in ("https://evil.example", other_port, f"{service.url}.evil.example"):
        with stream(service, rate=0, origin=origin) as socket:
            detail, code = refused(socket)
        assert (detail.startswith("pages of another site"), code) == (True, 1008)
    with stream(service, origin=service.url) as socket:
        assert told(socket)["type"] == "ready"


def test_a_client_that_leaves_frees_its_place(service):
    for _ in range(5):
        with stream(service) as socket:
            assert told(socket)["type"] == "ready"
            speak(socket, tone(0.5))
        served.until(lambda: service.service.streams == 0)


def test_a_stream_whose_model_is_busy_is_told_so(service, monkeypatch):
    monkeypatch.setattr(service.service, "limits", replace(LIMITS, deadline_s=0.3))
    go_on = threading.Event()
    recognizer = service.service.served.recognizer
    plain = type(recognizer).transcribe

    def held(*given, **named):
        assert go_on.wait(served.LIMIT)
        return plain(recognizer, *given, **named)

    try:
        recognizer.transcribe = held
        with stream(service) as socket:
            told(socket)
            speak(socket, tone(0.5))
            socket.send('{"type": "end"}')
            detail, code = refused(socket)
        assert (detail, code) == ("the model did not answer in 0.3 s", 1013)
        assert service.get("/healthz").status == 200
    finally:
        go_on.set()
        del recognizer.transcribe
    served.until(lambda: service.service.worker.inside == 0)


def test_no_other_path_takes_a_socket(service):
    url = service.url.replace("http", "ws")
    with pytest.raises(InvalidStatus):
        client.connect(f"{url}/v1/other", open_timeout=served.LIMIT)


@pytest.mark.spec("ASR-207", "under another name than that of this machine")
def test_a_name_that_another_site_points_here_may_not_stream(service):
    from src.service.socket import StreamError, _admit

    own = service.url.removeprefix("http://")
    for host in ("rebound.example:8000", own):
        headers = {"host": host, "origin": f"http://{host}"}
        with nullcontext() if host == own else pytest.raises(StreamError):
            _admit(service.service, SimpleNamespace(headers=headers))
