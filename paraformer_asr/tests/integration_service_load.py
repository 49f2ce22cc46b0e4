"""The service under many, slow and rude clients."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from src.service.limits import Limits
from tests import served
from tests.served import PATH, form, until, wav


served.need_extra()

CLIENTS = 24


@pytest.fixture(scope="module")
def service():
    limits = Limits(
        queue=8, deadline_s=20, megabytes=1, body_s=0.5, head_s=0.5, seconds=60
    )
    with served.running(limits) as one:
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
    with served.running(Limits(deadline_s=0.3)) as service:
        with ThreadPoolExecutor(3) as pool, held(service) as (calls, go_on):
            answers = [pool.submit(service.post, wav()) for _ in range(3)]
            answers = [answer.result() for answer in answers]
            assert {answer.status for answer in answers} == {504}
            assert answers[0].detail == "not done in 0.3 s: send less audio"
            assert service.service.worker.inside == 1  # the one that runs
            go_on.set()
            until(lambda: service.service.worker.inside == 0)
        assert len(calls) == 1


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


@pytest.mark.spec("ASR-135", "long audio is given up between two segments")
def test_long_audio_that_nobody_waits_for_is_given_up(service):
    recognizer = service.service.served.recognizer
    heard, go_on = [], threading.Event()
    plain = type(recognizer)._recognise

    def counted(*given):
        heard.append(given)
        assert go_on.wait(served.LIMIT)
        return plain(recognizer, *given)

    recognizer._recognise = counted
    try:
        body, kind = form(wav(59, rate=8000))
        client = service.connection()
        client.request("POST", PATH, body, {"content-type": kind})
        until(lambda: len(heard) == 1)
        client.close()
        time.sleep(0.1)  # until the service has seen it
        go_on.set()
        until(lambda: service.service.worker.inside == 0)
    finally:
        go_on.set()
        del recognizer._recognise
    assert len(heard) == 1  # of three pieces


@pytest.mark.spec("ASR-135", "or while it is decoded")
def test_a_file_that_takes_long_to_decode_is_given_up(service, monkeypatch):
    from src.service import uploads

    plain, read, go_on = uploads.stream_audio, [], threading.Event()

    def slow(*given, **named):
        for block in plain(*given, **named):
            read.append(block)
            assert go_on.wait(served.LIMIT)
            yield block

    monkeypatch.setattr(uploads, "stream_audio", slow)
    body, kind = form(wav(10))
    client = service.connection()
    client.request("POST", PATH, body, {"content-type": kind})
    until(lambda: len(read) == 1)
    client.close()
    time.sleep(0.1)  # until the service has seen it
    go_on.set()
    until(lambda: service.service.worker.inside == 0)
    assert len(read) == 1  # of ten


def raw(service, *pieces: bytes, pause: float = 0.0) -> bytes:
    """All that comes back for bytes that are sent as they are."""
    place = urlsplit(service.url)
    with socket.create_connection((place.hostname, place.port), served.LIMIT) as wire:
        back = b""
        try:
            for piece in pieces:
                wire.sendall(piece)
                time.sleep(pause)
            while data := wire.recv(65536):
                back += data
        except ConnectionError:
            pass
        return back


def head(length: int, kind: str = "multipart/form-data; boundary=x") -> bytes:
    return (
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


SLOW = {
    "half a line": ((b"POST /v1/aud",), b""),
    "nothing": ((), b""),
    "headers one by one": ((b"GET /healthz HTTP/1.1\r\n", b"a: b\r\n", b"c: "), b""),
    "half a body": ((head(1000), b"--x\r\n"), b"HTTP/1.1 408"),
    "a body in drops": ((head(1000), *([b"--x"] * 8)), b"HTTP/1.1 408"),
}


@pytest.mark.spec("ASR-135", "comes too slowly is answered 408")
@pytest.mark.parametrize("case", SLOW)
def test_who_is_slow_is_hung_up_on(service, case):
    pieces, begins = SLOW[case]
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(raw, service, *pieces, pause=0.1)
        assert service.get("/healthz").status == 200
        back = slow.result(served.LIMIT)
    assert back.startswith(begins) and bool(back) == bool(begins)
    if begins:
        assert b'{"detail":"the body took longer than 0.5 s"}' in back


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


@pytest.mark.parametrize("case", RUDE)
def test_who_is_rude_harms_nobody(service, case, caplog):
    back = raw(service, *RUDE[case])
    assert b"HTTP/1.1 5" not in back and b"Traceback" not in back
    assert service.get("/healthz").status == 200
    assert service.post(wav()).status == 200
    assert not [row for row in caplog.records if row.levelname == "ERROR"]
