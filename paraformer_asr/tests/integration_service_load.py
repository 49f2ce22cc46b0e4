"""The service under many, slow and rude clients."""

import select
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from src.service.limits import Limits
from tests import served
from tests.served import PATH, form, until, wav


served.need_extra()

CLIENTS = 24


@pytest.fixture(scope="module")
def service():
    with served.running(Limits(queue=8, megabytes=1, seconds=60)) as one:
        yield one


@pytest.fixture(scope="module")
def strict():
    """A service that does not wait long for a head or a body."""
    with served.running(Limits(head_s=2, body_s=2)) as one:
        yield one


@contextmanager
def held(service):
    """The model waits until the block ends; gives how many calls reached it."""
    recognizer, go_on = service.service.served.recognizer, threading.Event()
    plain, calls = type(recognizer).transcribe, []

    def waiting(*given, **named):
        calls.append(given)
        assert go_on.wait(served.LIMIT)
        return plain(recognizer, *given, **named)

    recognizer.transcribe = waiting
    try:
        yield calls, go_on
    finally:
        go_on.set()
        until(lambda: service.service.worker.inside == 0)
        del recognizer.transcribe


@pytest.mark.spec("ASR-134", "Of 24 clients at once each gets 200, or 503")
def test_24_clients_at_once_get_200_or_503(service):
    text = service.post(wav()).json
    with ThreadPoolExecutor(CLIENTS) as pool, held(service) as (calls, go_on):
        answers = [pool.submit(service.post, wav()) for _ in range(CLIENTS)]
        until(lambda: sum(answer.done() for answer in answers) == CLIENTS - 8)
        full = [answer.result() for answer in answers if answer.done()]
        healthy = [service.get("/healthz").status for _ in range(5)]
        queued = service.service.worker.inside
        go_on.set()
        answers = [answer.result() for answer in answers]
    assert {answer.status for answer in full} == {503}
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in full)
    assert all("the queue is full; try again in" in answer.detail for answer in full)
    assert (healthy, queued, len(calls)) == ([200] * 5, 8, 8)
    done = [answer for answer in answers if answer.status == 200]
    assert len(done) == 8 and all(answer.json == text for answer in done)


@pytest.mark.spec("ASR-135", "A call that still waits is dropped then")
def test_a_late_answer_is_504_and_its_call_is_dropped():
    go_on = threading.Event()
    with served.running(Limits(deadline_s=0.3)) as service:
        worker = service.service.worker
        try:
            worker._submit(lambda: go_on.wait(served.LIMIT), bounded=False)
            with ThreadPoolExecutor(3) as pool:
                answers = list(pool.map(lambda _: service.post(wav()), range(3)))
            assert {answer.status for answer in answers} == {504}
            assert answers[0].detail == "not done in 0.3 s: send less audio"
            assert worker.inside == 1  # the one that runs
        finally:
            go_on.set()


@pytest.mark.spec("ASR-135", "when its client has left")
def test_the_call_of_a_client_that_left_is_dropped(service):
    with ThreadPoolExecutor(1) as pool, held(service) as (calls, go_on):
        first = pool.submit(service.post, wav())
        until(lambda: len(calls) == 1)
        body, kind = form(wav())
        second = service.connection()
        second.request("POST", PATH, body, {"content-type": kind})
        until(lambda: service.service.worker.inside == 2)
        second.close()
        until(lambda: service.service.worker.inside == 1)
        go_on.set()
        assert first.result().status == 200
    assert len(calls) == 1


def left_at_first(service, data: bytes, happened: list, go_on: threading.Event):
    """Post `data`, leave when the first thing has happened, and let the rest go on."""
    gone = f'route="{PATH}",method="POST",status="499"'
    before = count(service, gone)
    body, kind = form(data)
    client = service.connection()
    client.request("POST", PATH, body, {"content-type": kind})
    try:
        until(lambda: len(happened) == 1)
        client.close()
        until(lambda: count(service, gone) == before + 1)
    finally:
        go_on.set()
    until(lambda: service.service.worker.inside == 0)


def count(service, labels: str) -> float:
    """A number that /metrics has."""
    rows = service.get("/metrics").body.decode().splitlines()
    return sum(float(row.split()[-1]) for row in rows if labels in row)


@pytest.mark.spec("ASR-135", "long audio is given up between two segments")
def test_long_audio_that_nobody_waits_for_is_given_up(service, monkeypatch):
    recognizer = service.service.served.recognizer
    heard, go_on, plain = [], threading.Event(), recognizer.decode

    def counted(*given):
        heard.append(given)
        assert go_on.wait(served.LIMIT)
        return plain(*given)

    monkeypatch.setattr(recognizer, "decode", counted)
    left_at_first(service, wav(59), heard, go_on)
    assert len(heard) == 1  # of three pieces


@pytest.mark.spec("ASR-135", "or while it is decoded")
def test_a_file_that_takes_long_to_decode_is_given_up(service, monkeypatch):
    from src.inference import uploads

    read, go_on, plain = [], threading.Event(), uploads.stream_audio

    def slow(*given, **named):
        for block in plain(*given, **named):
            read.append(block)
            assert go_on.wait(served.LIMIT)
            yield block

    monkeypatch.setattr(uploads, "stream_audio", slow)
    left_at_first(service, wav(10), read, go_on)
    assert len(read) == 1  # of ten


def raw(service, *pieces: bytes) -> bytes:
    """All that comes back for bytes that are sent as they are, till it hangs up.

    But for the host `x`, which becomes the service's own.
    """
    place = urlsplit(service.url)
    own = b"host: " + place.netloc.encode()
    with socket.create_connection((place.hostname, place.port), served.LIMIT) as wire:
        with suppress(ConnectionError):  # what came before the end can still be read
            for piece in pieces:
                wire.sendall(piece.replace(b"host: x", own))
                if select.select([wire], [], [], 0.1)[0]:
                    break  # an answer, or the end
        back = b""
        with suppress(ConnectionError):
            while data := wire.recv(65536):
                back += data
        return back


def each(service, cases: dict) -> dict[str, bytes]:
    """What comes back in each case; all at once, for each takes its time."""
    with ThreadPoolExecutor(len(cases)) as pool:
        backs = {name: pool.submit(raw, service, *cases[name]) for name in cases}
        assert service.get("/healthz").status == 200
        return {name: back.result(2 * served.LIMIT) for name, back in backs.items()}


def head(length: int, kind: str = "multipart/form-data; boundary=x") -> bytes:
    return (
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n"
        f"connection: close\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


SLOW_HEADS = {
    "half a line": (b"POST /v1/aud",),
    "nothing": (),
    "in drops": (b"GET /healthz HTTP/1.1\r\n", *[b"a: b\r\n"] * 1000),
}
SLOW_BODIES = {
    "half": (head(10_000), b"--x\r\n"),
    "in drops": (head(10_000), *[b"--x"] * 1000),
}


@pytest.mark.spec("ASR-135", "comes too slowly is answered 408")
def test_who_is_slow_with_a_body_is_answered_408():
    with served.running(Limits(body_s=2)) as service:  # the head may take its time
        backs = each(service, SLOW_BODIES)
    for case, back in backs.items():
        assert back.startswith(b"HTTP/1.1 408"), case
        assert b'{"detail":"the body took longer than 2 s","error":{' in back, case


@pytest.mark.spec("ASR-135", "a head that does not come is hung up on")
def test_who_is_slow_with_a_head_is_hung_up_on(strict):
    assert each(strict, SLOW_HEADS) == dict.fromkeys(SLOW_HEADS, b"")


RUDE = {
    "a lie that is short": (head(10), b"--x\r\n" + bytes(5000)),
    "a lie that is long": (head(500), b"--x--\r\n"),
    "a negative length": (head(-5), b"--x--\r\n"),
    "two lengths": (head(5).replace(b"\r\n\r\n", b"\r\ncontent-length: 7\r\n\r\n"),),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),),
    "zeros": (bytes(1000),),
    "a long line": (b"GET /" + b"a" * 200_000,),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000,),
    "an old version": (b"GET /healthz HTTP/0.9\r\n\r\n",),
    "chunks that lie": (
        head(0).replace(b"content-length: 0", b"transfer-encoding: chunked"),
        b"ffffffff\r\nabc",
    ),
    "a path of bytes": (b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",),
}


def test_who_is_rude_harms_nobody(strict, caplog):
    for case, back in each(strict, RUDE).items():
        assert b"HTTP/1.1 5" not in back and b"Traceback" not in back, case
    assert strict.post(wav()).status == 200
    assert not [row for row in caplog.records if row.levelname == "ERROR"]
