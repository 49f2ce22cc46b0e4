"""Where a download is from and where it goes: redirects, proxies, disks, terminals."""

import re
import resource

import pytest

from tools import download as module
from tools.download import download
from tools.projects import WorkspaceError
from tools.tests.downloads import BODY, cut, get, refusal, remote, waits
from tools.tests.serving import ranged, serving


__all__ = ["waits"]


def test_a_redirect_is_followed_but_not_in_a_circle(tmp_path):
    there = lambda h: h.give(302, b"", Location="/elsewhere")  # noqa: E731
    with serving(there) as server:
        refusal(tmp_path, server)
    with serving(there, ranged(BODY)) as server:
        assert get(tmp_path, server) == BODY
    assert server.asked[1][0] == "/elsewhere"


def test_what_is_no_address_is_not_tried_again(tmp_path, waits):
    there = lambda h: h.give(302, b"", Location="http://a:b/")  # noqa: E731
    with serving(there) as server:
        assert "leads to no address" in refusal(tmp_path, server)
    with pytest.raises(WorkspaceError, match="leads to no address"):
        download(remote(), tmp_path / "file.bin", "http://[x/file.bin")
    assert waits == []


@pytest.mark.spec("WSP-194", "A full disk ends in one sentence and keeps what came")
def test_a_full_disk(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(ranged(BODY)) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            said = refusal(tmp_path, server)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "cannot be written" in said and "Make room" in said
        assert get(tmp_path, server) == BODY
    assert server.asked[1][1]["Range"] == "bytes=100000-"


def test_a_place_where_nothing_may_be_written_is_not_called_full(tmp_path):
    with serving(ranged(BODY)) as server:
        said = refusal(tmp_path / "gone", server)
    assert "(No such file or directory). Allow it, or give another folder" in said


@pytest.mark.spec("WSP-197", "The proxy that the environment names is used")
def test_a_proxy_of_the_environment_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("no_proxy")
    with serving(ranged(BODY)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        download(remote(), tmp_path / "file.bin", "http://data.example/file.bin")
    assert proxy.asked[0][0] == "http://data.example/file.bin"


@pytest.mark.spec("WSP-197", "A bar is shown on a terminal only")
def test_a_bar_on_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    with serving(cut(), ranged(BODY)) as server:
        get(tmp_path, server)
    err = capsys.readouterr().err
    assert "[####################] 0.3 of 0.3 MB" in err
    assert re.search(r"MB/s \n  the line ended .*; trying again in 1 s\n", err)
