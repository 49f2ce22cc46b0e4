# pattern: tests/integration_app_script.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/integration_app_script.py --from <sub-project>
"""`scripts/app.py` as a user starts it: an address, a page, an end; or a file."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest


pytest.importorskip("fastapi", reason="the extra `app` serves the page")
pytest.importorskip("uvicorn", reason="the extra `app` serves the page")

ROOT = Path(__file__).parents[1]
# local: begin
# local: end


class App:
    """The script in a process of its own, until the block ends."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        words = [sys.executable, ROOT / "scripts/app.py", "--port", 0, *arguments]
        self.process = subprocess.Popen(
            [str(word) for word in words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()

    def __enter__(self) -> "App":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, name: str) -> dict:
        headers = {"content-type": "application/json"}
        question = urllib.request.Request(f"{self.url}/ask/{name}", b"{}", headers)
        with urllib.request.urlopen(question, timeout=60) as said:
            return json.load(said)

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=60)
        return self.process.returncode, told


def run(folder: Path, *arguments: object) -> tuple[int, str]:
    words = [sys.executable, ROOT / "scripts/app.py", *arguments]
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (15, 143)])
def test_it_tells_its_address_serves_and_ends(tmp_path, number, code):
    with App(tmp_path) as app:
        assert app.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(app.url, timeout=60) as page:
            assert b'import "main"' in page.read()
        said = app.ask("page")
        assert "\n" not in said.get("fault", "")
        assert "fault" in said or said["answer"]["title"]
        ended, told = app.end(number)
        assert ended == (2 if "fault" in said else code)
        assert "Traceback" not in told


def test_a_question_under_way_does_not_spoil_the_end(tmp_path):
    with App(tmp_path) as app:
        port = int(app.url.rsplit(":", 1)[1])
        head = f"GET /listen/page HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(head.encode())  # is answered once the model is loaded
            code, told = app.end(signal.SIGTERM)
    assert (code in (2, 143), told.count("Traceback")) == (True, 0)


def test_a_bad_checkpoint_is_one_sentence_on_the_page_and_in_the_terminal(tmp_path):
    path = tmp_path / "notes.pt"
    path.write_text("no checkpoint")
    with App(tmp_path, "--checkpoint", path) as app:
        (sentence,) = app.ask("page").values()
        assert str(path) in sentence and "\n" not in sentence
        code, told = app.end(signal.SIGTERM)
    assert (code, "Traceback" in told) == (2, False)
    assert sentence in told


def test_a_port_that_is_taken_and_a_bad_file_are_one_sentence(tmp_path):
    with App(tmp_path) as app:
        port = app.url.rsplit(":", 1)[1]
        code, told = run(tmp_path, "--port", port)
        assert (code, told.count("\n")) == (2, 1)
        assert f"--port {port}" in told and "Choose another" in told
    path = tmp_path / "notes.pt"
    path.write_text("no checkpoint")
    code, told = run(tmp_path, "--checkpoint", path, "--export", tmp_path / "x.html")
    assert (code, "Traceback" in told, str(path) in told) == (2, False, True)
    assert not (tmp_path / "x.html").exists()
