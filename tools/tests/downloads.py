"""What the tests of tools.download share: a file, its servers, and no waits."""

import hashlib

import pytest

from tools import download as module
from tools.datasets import Remote
from tools.download import download
from tools.projects import WorkspaceError


BODY = hashlib.shake_128(b"body").digest(300_000)
HALF = len(BODY) // 2
ETAG = '"one"'


def remote(body=BODY):
    return Remote("http://x/file.bin", len(body), hashlib.sha256(body).hexdigest())


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The waits between tries, which do not happen."""
    slept = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    monkeypatch.setattr("urllib.request._opener", None)  # knows the proxies of before
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return slept


def get(tmp_path, server, file=None):
    download(file or remote(), tmp_path / "file.bin", f"{server.url}/file.bin")
    return (tmp_path / "file.bin").read_bytes()


def refusal(tmp_path, server):
    with pytest.raises(WorkspaceError) as error:
        get(tmp_path, server)
    assert not (tmp_path / "file.bin").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def cut(sent=HALF, etag=ETAG):
    """Ends after `sent` bytes although all were announced."""
    return lambda handler: handler.give(
        200, BODY[:sent], length=len(BODY), **({"ETag": etag} if etag else {})
    )
