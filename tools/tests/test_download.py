"""One file from servers that answer well, badly, or late."""

import threading

import pytest

from tools import download as module
from tools.tests.downloads import BODY, ETAG, HALF, cut, get, refusal, remote, waits
from tools.tests.serving import ranged, serving


__all__ = ["waits"]


def test_a_whole_file_is_left_alone(tmp_path, capsys):
    with serving(ranged(BODY)) as server:
        assert get(tmp_path, server) == get(tmp_path, server) == BODY
    assert len(server.asked) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.spec("WSP-188", "A download that broke goes on where it stopped")
def test_a_cut_line_goes_on_where_it_stopped(tmp_path):
    with serving(cut(), ranged(BODY, ETAG)) as server:
        assert get(tmp_path, server) == BODY
    headers = server.asked[1][1]
    assert (headers["Range"], headers["If-Range"]) == (f"bytes={HALF}-", ETAG)


@pytest.mark.spec("WSP-188", "from its beginning")
@pytest.mark.parametrize(
    "second",
    [
        lambda h: h.give(200, BODY, ETag=ETAG),  # ranges are not known there
        lambda h: h.give(200, BODY, length=None),  # nor is the length
        ranged(BODY, '"two"'),  # another version: If-Range gives all of it
        lambda h: h.give(  # If-Range is not known there
            206, b"x" * HALF, ETag='"two"', Content_Range=_rest(HALF)
        ),
        lambda h: h.give(206, BODY[100:], ETag=ETAG, Content_Range=_rest(100)),
        lambda h: h.give(206, BODY[HALF:], ETag=ETAG),
    ],
)
def test_a_part_that_cannot_be_gone_on_with_starts_again(tmp_path, second):
    with serving(cut(), second, ranged(BODY, ETAG)) as server:
        assert get(tmp_path, server) == BODY


def _rest(start):
    return f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"


def test_a_server_that_refuses_every_range_is_asked_for_all(tmp_path):
    picky = lambda h: h.give(416 if h.headers["Range"] else 200, BODY)  # noqa: E731
    with serving(cut(), picky) as server:
        assert get(tmp_path, server) == BODY


@pytest.mark.spec("WSP-188", "says that it is the same file")
def test_without_a_strong_etag_or_a_date_it_starts_again(tmp_path):
    with serving(cut(etag='W/"one"'), ranged(BODY)) as server:
        assert get(tmp_path, server) == BODY and "Range" not in server.asked[1][1]


@pytest.mark.spec("WSP-187", "whose SHA-256 is not the known one is refused")
def test_another_file_of_the_same_size_is_refused(tmp_path):
    with serving(ranged(b"x" * len(BODY))) as server:
        said = refusal(tmp_path, server)
    assert remote().sha256 in said and not list(tmp_path.iterdir())


@pytest.mark.parametrize("size, asked", [(HALF, [True, False]), (len(BODY), [False])])
def test_a_spoiled_part_costs_one_more_download(tmp_path, size, asked):
    (tmp_path / "file.bin.part").write_bytes(b"x" * size)
    (tmp_path / "file.bin.mark").write_text(ETAG)
    with serving(ranged(BODY, ETAG)) as server:
        assert get(tmp_path, server) == BODY
    assert ["Range" in headers for _, headers in server.asked] == asked


def test_a_part_longer_than_the_file_is_not_gone_on_with(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY + b"x")
    (tmp_path / "file.bin.mark").write_text(ETAG)
    with serving(ranged(BODY, ETAG)) as server:
        assert get(tmp_path, server) == BODY
    assert ["Range" in headers for _, headers in server.asked] == [False]


@pytest.mark.spec("WSP-189", "tried again after 1, 2, 4, 8 seconds")
def test_a_server_that_stays_broken_is_asked_five_times(tmp_path, waits):
    with serving(lambda h: h.give(503, b"")) as server:
        said = refusal(tmp_path, server)
    assert len(server.asked) == 5 and waits == [1, 2, 4, 8]
    assert "503" in said and "Tried 5 times" in said


@pytest.mark.spec("WSP-189", "as long as it brings something")
def test_a_line_that_breaks_often_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 3)

    def a_little(handler):
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        place = {"Content_Range": _rest(start)} if start else {}
        rest = {"length": len(BODY) - start, "ETag": ETAG, **place}
        handler.give(206 if start else 200, BODY[start : start + 70_000], **rest)

    with serving(a_little) as server:
        assert get(tmp_path, server) == BODY
    assert len(server.asked) == 5


@pytest.mark.spec(
    "WSP-189", "A broken line and an answer that may pass are tried again"
)
def test_a_fault_that_passes_is_tried_again(tmp_path):
    faults = [
        lambda h: h.give(500, b"oops"),
        lambda h: h.give(429, b"slowly"),
        lambda h: h.wfile.write(b"nonsense\r\n\r\n"),
        lambda h: h.connection.close(),
        cut(0),
    ]
    for fault in faults:
        with serving(fault, ranged(BODY)) as server:
            assert get(tmp_path, server) == BODY
        (tmp_path / "file.bin").unlink()


@pytest.mark.spec("WSP-189", "A line that stalls or drips counts as broken")
def test_a_stalled_and_a_dripping_line_are_broken(tmp_path, waits, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.5)

    def stall(handler):
        cut()(handler)
        handler.wfile.flush()
        handler.server.stalled.wait(2)

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        for byte in BODY[:40]:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if handler.server.stalled.wait(0.05):
                return

    with serving(stall, drip, ranged(BODY)) as server:
        server.stalled = threading.Event()
        try:
            assert get(tmp_path, server) == BODY
        finally:
            server.stalled.set()
    assert len(server.asked) >= 3


@pytest.mark.spec("WSP-189", "404 ends it at once")
def test_what_is_not_there_is_not_asked_for_again(tmp_path):
    with serving(lambda h: h.give(404, b"no")) as server:
        said = refusal(tmp_path, server)
    assert len(server.asked) == 1 and "404" in said and "--from" in said


@pytest.mark.spec("WSP-190", "announces another size")
@pytest.mark.parametrize("size", [10, len(BODY) - 1, len(BODY) + 1])
def test_another_announced_size_is_refused_before_it_comes(tmp_path, size):
    page = b"<html>" + b" " * (size - 6)
    with serving(lambda h: h.give(200, page, Content_Type="text/html")) as server:
        said = refusal(tmp_path, server)
    assert f"{size:,} bytes" in said and "a web page" in said
    assert not (tmp_path / "file.bin.part").exists()


@pytest.mark.spec("WSP-190", "sends more than")
def test_more_bytes_than_the_file_has_are_refused(tmp_path):
    with serving(lambda h: h.give(200, BODY + b"x", length=None)) as server:
        said = refusal(tmp_path, server)
    assert "sends more than the 300,000 bytes" in said
    assert not list(tmp_path.iterdir())
