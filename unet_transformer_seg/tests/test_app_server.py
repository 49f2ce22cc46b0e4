# pattern: tests/test_app_server.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_app_server.py --from <sub-project>
"""The skeleton of a page: questions, faults, streams, guard, the saved file."""

import asyncio
import base64
import gc
import json
import os
import re
import socket
import threading

import numpy as np
import pytest

from src.app import export, parts
from src.app.checkpoints import check_finite, find_checkpoints, newest_checkpoint
from src.app.page import Page, plain
from src.app.uploads import MAX_BYTES, Upload
from src.utils.errors import InputError


pytest.importorskip("fastapi", reason="the extra `app` serves the page")
pytest.importorskip("httpx", reason="it asks the server")
from fastapi.testclient import TestClient  # noqa: E402

from src.app.server import create_app  # noqa: E402
from tests.app_serving import serving  # noqa: E402


# local: begin
# local: end
HERE = "http://127.0.0.1:8000"
EVIL = "</script><script>owned = 1</script>\u2028{{blocks}}"


def double(x: int, sign: float = 1.0) -> dict:
    return {"double": sign * 2 * x, "array": np.arange(3.0)}


def fail(kind: str) -> dict:
    raise {"input": InputError("x: is wrong; say y"), "fault": KeyError("secret")}[kind]


def count(to: int) -> object:
    for n in range(to):
        if n == 3:
            raise InputError("3 is too far; stop at 2")
        yield {"n": n}


PAGE = Page(
    "A title",
    EVIL,
    calls={"a/double": double, "a/fail": fail},
    streams={"a/count": count},
    exported=lambda: [("a/double", {"x": 4}), ("a/count", {"to": 2})],
)


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(lambda: PAGE, 8000), HERE) as one:
        yield one


def ask(client, name, body):
    return client.post(f"/ask/{name}", json=body).json()


def test_an_answer_and_the_page_itself(client):
    said = ask(client, "a/double", {"x": 21})["answer"]
    assert said["double"] == 42
    assert said["array"]["shape"] == [3]
    assert ask(client, "page", {})["answer"] == {"title": "A title", "subtitle": EVIL}


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("a/double", {"x": "many"}, "x: Input should be a valid integer"),
        ("a/double", {}, "x: Missing required argument"),
        ("a/double", {"x": 1, "y": 2}, "y: Unexpected keyword argument"),
        ("a/fail", {"kind": "input"}, "x: is wrong; say y"),
        ("a/fail", {"kind": "fault"}, "a fault of ours: the terminal has the details"),
        ("a/none", {}, "'a/none' cannot be asked; known: a/double, a/fail"),
        ("a/double", [1], "the question is no JSON object of parameters"),
    ],
)
def test_what_is_wrong_is_one_sentence(client, name, body, sentence):
    said = ask(client, name, body)
    assert list(said) == ["fault"]
    assert re.match(sentence, said["fault"]) and "secret" not in said["fault"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"x": 1e999}', b"[" * 100_000])
def test_a_body_that_is_no_question_is_one_sentence(client, body):
    headers = {"content-type": "application/json"}
    said = client.post("/ask/a/double", content=body, headers=headers)
    assert said.status_code == 200 and list(said.json()) == ["fault"]


def events(client, given):
    said = client.get("/listen/a/count", params={"given": json.dumps(given)}).text
    return [line.split(": ", 1)[1] for line in said.splitlines() if line]


def test_a_stream_gives_its_frames_and_an_end(client):
    assert events(client, {"to": 2}) == [
        '{"answer":{"n":0}}', '{"answer":{"n":1}}', "end", "null",
    ]  # fmt: skip
    assert events(client, {"to": 9})[-3] == '{"fault":"3 is too far; stop at 2"}'
    assert events(client, {"to": "x"})[0].startswith('{"fault":"to: Input')


class Endless:
    """A stream without end that tells when it has been closed."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self.page = Page("", "", calls={}, streams={"endless": self.frames})

    def frames(self) -> object:
        try:
            while True:
                yield {}
        finally:
            self.left.set()


def test_a_visitor_who_leaves_ends_the_stream_and_harms_nobody(caplog):
    endless = Endless()
    with serving(endless.page) as url:
        port = int(url.rsplit(":", 1)[1].strip("/"))
        head = f"host: 127.0.0.1:{port}\r\n"
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(f"GET /listen/endless HTTP/1.1\r\n{head}\r\n".encode())
            with one.makefile("rb") as told:
                assert b"200 OK" in next(told)
                assert any(line.startswith(b"data: ") for line in told)
        assert endless.left.wait(30)
        with socket.create_connection(("127.0.0.1", port)) as one:
            head += "content-type: application/json\r\ncontent-length: 100\r\n"
            one.sendall(f"POST /ask/page HTTP/1.1\r\n{head}\r\n{{".encode())
        with TestClient(create_app(lambda: PAGE, 8000), HERE) as client:
            assert "answer" in ask(client, "page", {})
    assert "failed" not in caplog.text


def test_a_visitor_who_leaves_before_a_frame_is_sent_ends_the_stream_at_once():
    endless = Endless()
    app = create_app(lambda: endless.page, 8000)
    scope = {
        "type": "http", "method": "GET", "path": "/listen/endless", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000")], "asgi": {"spec_version": "2.3"},
    }  # fmt: skip

    async def visit() -> None:
        asked, sending = asyncio.Event(), asyncio.Event()

        async def receive() -> dict:
            if not asked.is_set():
                asked.set()
                return {"type": "http.request", "body": b"", "more_body": False}
            await sending.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict) -> None:
            if message["type"] == "http.response.body":
                sending.set()
                await asyncio.Event().wait()  # the network takes no more

        async with app.router.lifespan_context(app):
            await app(scope, receive, send)
            assert await asyncio.to_thread(endless.left.wait, 30)

    gc.disable()
    try:
        asyncio.run(visit())
    finally:
        gc.enable()


def test_only_this_page_on_this_machine_may_ask(client):
    def status(**headers):
        given = {"content-type": "application/json"} | headers
        return client.post("/ask/page", content=b"{}", headers=given).status_code

    assert status() == status(host="localhost:8000") == 200
    assert status(host="evil.example:8000") == 403
    assert status(origin="http://evil.example") == 403
    assert status(origin="http://127.0.0.1:8000") == 200
    assert status(**{"sec-fetch-site": "cross-site"}) == 403
    assert status(**{"content-type": "text/plain"}) == 415
    link = {"sec-fetch-site": "cross-site"}  # one may be led here, but not asked for
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/listen/a/count", headers=link).status_code == 403
    large = {"content": b" " * (3 * MAX_BYTES)}
    headers = {"content-type": "application/json"}
    assert client.post("/ask/page", headers=headers, **large).status_code == 413


def test_files_of_the_page_are_served_with_a_policy_and_nothing_else(client):
    index = client.get("/")
    policy = index.headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    hashes = rules.pop("script-src").split()
    assert hashes[0] == "'self'" and len(hashes) == 3
    assert all(one.startswith("'sha256-") for one in hashes[1:])
    assert rules == {
        "default-src": "'self'", "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:", "frame-ancestors": "'none'",
        "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip
    assert index.headers["x-content-type-options"] == "nosniff"
    for name in parts.page_files():
        assert client.get(f"/page/{name}").status_code == 200
        assert f'"/page/{name}"' in index.text
    for name in ("index.html", "..%2Fserver.py", "%2e%2e/server.py", "none.js"):
        assert client.get(f"/page/{name}").status_code == 404


def test_a_page_that_cannot_be_loaded_says_why_in_every_answer():
    def load():
        raise InputError("best.pt: is a text file; name a checkpoint")

    with TestClient(create_app(load, 8000), HERE) as client:
        for name in ("page", "a/double"):
            sentence = "best.pt: is a text file; name a checkpoint"
            assert ask(client, name, {}) == {"fault": sentence}


def test_a_saved_page_holds_its_answers_as_data_only(tmp_path):
    path = tmp_path / "new" / "page.html"
    size = export.export(PAGE, path)
    text = path.read_text("utf-8")
    assert size == path.stat().st_size
    assert "<script>owned" not in text and "{{" not in text.replace("{{blocks}}", "")
    blocks = re.findall(
        r'<script type="application/json" id="([\w-]+)">(.*?)</script>', text
    )
    found = {name: json.loads(content) for name, content in blocks}
    assert found["questions"] == [
        ["page", {}], ["a/double", {"x": 4}], ["a/count", {"to": 2}],
    ]  # fmt: skip
    assert found["answer-0"] == {"title": "A title", "subtitle": EVIL}
    assert found["answer-1"]["double"] == 8
    assert found["answer-2"] == [{"n": 0}, {"n": 1}]
    assert not re.search(r'(src|href)="(?!data:)', text)
    (policy,) = re.findall(r'content-security-policy" content="([^"]*)"', text)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert (rules["default-src"], rules["form-action"]) == ("'none'", "'none'")
    *hashes, scheme = rules["script-src"].split()
    assert scheme == "data:" and all(one.startswith("'sha256-") for one in hashes)


def test_a_style_with_line_ends_of_windows_is_hashed_as_a_browser_reads_it():
    styles = {"a.css": b"b {}\r\ni {}\r\n"}
    assert "\r" not in parts.saved_page(styles, "")


def test_a_page_is_saved_whole_or_not_at_all(tmp_path):
    for place in (tmp_path, tmp_path / "page.html" / "x.html"):
        (tmp_path / "page.html").write_text("before")
        with pytest.raises(InputError, match="--export"):
            export.export(PAGE, place)
    assert (tmp_path / "page.html").read_text() == "before"


def test_values_become_json():
    given = {"a": np.float32(0.5), "b": [float("nan"), True, None, "x"], 3: np.int64(4)}
    assert plain(given) == {"a": 0.5, "b": [None, True, None, "x"], "3": 4}
    for array, dtype in [
        (np.full((2, 3), 0.5), "float32"), (np.array([1, -2]), "int32"),
        (np.array([True]), "uint8"), (np.zeros((0, 2), np.uint8), "uint8"),
    ]:  # fmt: skip
        packed = plain(array)
        assert (packed["dtype"], packed["shape"]) == (dtype, list(array.shape))
        read = np.frombuffer(
            base64.b64decode(packed["base64"]), np.dtype(dtype).newbyteorder("<")
        )
        assert read.tolist() == array.ravel().tolist()
    for array in (np.array(["a"]), np.array([2**31]), np.array([1 + 2j])):
        with pytest.raises(ValueError, match="a page cannot show"):
            plain(array)


class Half:
    """What torch gives: no numpy reads bfloat16."""

    def detach(self):
        return self

    def cpu(self):
        return self

    def is_floating_point(self):
        return True

    def float(self):
        return np.ones(2, np.float32)


def test_tensors_of_any_kind_become_arrays():
    assert plain(Half())["dtype"] == "float32"


def test_an_upload_is_its_bytes_or_a_sentence():
    good = Upload("C:\\fakepath\\a b.png", "aGFsbG8=")
    assert (good.content(), good.shown) == (b"hallo", "a b.png")
    with good.as_file() as path:
        assert path.read_bytes() == b"hallo" and path.suffix == ".png"
        place = path
    assert not place.exists()
    with pytest.raises(InputError, match="^a b.png: no image$"), good.as_file() as path:
        raise InputError(f"{path}: no image")
    for name, content, sentence in [
        ("x", "", "x: is empty"), ("x", "*", "x: did not arrive whole"),
        ("/", "", "the file: is empty"), ("a\n\x00b", "", r"a\?\?b: is empty"),
        ("x", "A" * (MAX_BYTES * 4 // 3 + 8), "x: larger than 20 MiB"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=f"^{sentence}"):
            Upload(name, content).content()


def test_the_newest_checkpoint_is_taken(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    for at, name in enumerate(["a_old.pt", "b_new.npz", "c_other.txt"]):
        run, kind = name.split(".")
        path = tmp_path / run / "checkpoints" / f"best.{kind}"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (at, at))
    names = [path.parts[-3] for path in find_checkpoints(tmp_path)]
    assert names == ["b_new", "a_old"]
    (tmp_path / "gone/checkpoints").mkdir(parents=True)
    (tmp_path / "gone/checkpoints/best.pt").symlink_to("nowhere")
    (tmp_path / "latest").symlink_to("a_old")
    (tmp_path / "a_old/checkpoints/best.json").touch()
    assert newest_checkpoint(tmp_path) == tmp_path / "latest/checkpoints/best.pt"
    assert len(find_checkpoints(tmp_path)) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, bad):
    weights = {"a": np.zeros(2), "b.weight": np.array([1, bad])}
    with pytest.raises(InputError, match=r"best.pt: b.weight holds values that are"):
        check_finite(weights, tmp_path / "best.pt")
    check_finite({"a": np.ones(2), "n": np.array(3)}, tmp_path / "best.pt")
