"""What the service does not take, and the sentence that says why."""

import io
import struct

import numpy as np
import pytest

from src.service.launch import Address
from src.service.limits import Limits
from tests import served
from tests.served import PATH, form, wav


served.need_extra()


@pytest.fixture(scope="module")
def service():
    with served.running(Limits(seconds=3, inspect_seconds=2, megabytes=0.2)) as one:
        yield one


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
    "text": (b"hello there", 415, "or CAF. ffmpeg converts other audio: ffmpeg -i"),
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
    "stream": ("true", 422, "over the WebSocket /v1/audio/stream"),
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
    answer = service.ask("POST", PATH, body, content_type=kind)
    assert (answer.status, answer.detail) == (
        422,
        "file: this is a text, not a file: with curl, -F file=@audio.wav",
    )


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


def asked(service, name: str, body: bytes, kind: str = "application/json"):
    """The page's way to ask: a fault is an answer."""
    answer = service.ask("POST", f"/ask/{name}", body, content_type=kind)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize(
    "name, body, says",
    [
        ("listen/none", b"{}", "'listen/none' cannot be asked; known: listen/start"),
        ("listen/hear", b"{}", "no example is named ''"),
        ("listen/hear", b"[]", "the question is no JSON object"),
        ("listen/hear", b'{"noise": "7"}', "noise: Input should be 'none', '20'"),
        ("listen/methods", b'{"width": "wide"}', "width: Input should be a valid"),
    ],
)
def test_a_question_that_is_wrong_is_a_sentence(service, name, body, says):
    assert asked(service, name, body)["fault"].startswith(says)
    assert asked(service, "page", b"{}")["answer"]["subtitle"].startswith("model run")


def test_questions_have_limits_and_come_from_the_page_alone(service):
    other = asked(service, "listen/start", b"{}", "text/plain")
    assert other == {"fault": "a question is application/json"}
    large = b" " * (service.service.limits.bytes * 4 // 3 + 2**16 + 1)
    assert "larger than" in asked(service, "listen/hear", large)["fault"]


@pytest.mark.spec("ASR-207", "under another name than that of this machine")
@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/models", "/ask/page", PATH])
def test_a_name_that_another_site_points_here_is_refused(service, path):
    method = "POST" if path in ("/ask/page", PATH) else "GET"
    body, kind = form(wav()) if path == PATH else (b"{}", "application/json")
    port = service.connection().port
    for host in (f"rebound.example:{port}", "127.0.0.1:1", "localhost"):
        refused = service.ask(method, path, body, host=host, content_type=kind)
        assert (refused.status, f"not as {host}" in refused.detail) == (403, True)
    for host in (f"localhost:{port}", f"127.0.0.1:{port}"):
        answer = service.ask(method, path, body, host=host, content_type=kind)
        assert answer.status == 200, answer.body


@pytest.mark.spec("ASR-207", "what a page of another site posts")
@pytest.mark.parametrize("path", ["/ask/page", PATH])
def test_what_a_page_of_another_site_posts_is_refused(service, path):
    body, kind = form(wav()) if path == PATH else (b"{}", "application/json")
    for site, status in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 200),
        ("none", 200),
    ]:
        answer = service.ask("POST", path, body, content_type=kind, sec_fetch_site=site)
        assert answer.status == status, (site, answer.body)


@pytest.mark.spec("ASR-207", "one that others reach answers under any name")
def test_who_can_reach_the_service_decides_on_its_names():
    own = {"localhost:8000", "127.0.0.1:8000"}
    assert Address().hosts == Address("localhost").hosts == own
    assert Address("::1").hosts == own | {"[::1]:8000"}
    assert Address(port=80).hosts >= {"localhost", "127.0.0.1:80"}
    for host in ("0.0.0.0", "::", "192.168.1.7", "asr.example"):
        assert Address(host).hosts == frozenset()
