"""Data sets as a whole: laid out, whole or not at all, once."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tools import fetch as module
from tools.datasets import DATASETS, TABLE
from tools.fetch import NOTE, main
from tools.projects import ROOT
from tools.tests.fake import write
from tools.tests.packing import PACKERS, pack, stand_in
from tools.tests.serving import files, serving


@pytest.fixture(autouse=True)
def local(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setattr(module, "handle_signals", lambda: None)


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Fetch a made-up data set; the folder."""

    def get(name, bodies=None, to=tmp_path / "data", code=0):
        packed = pack(name)
        monkeypatch.setitem(module.DATASETS, name, stand_in(name, packed))
        with serving(files(packed if bodies is None else bodies)) as server:
            assert main([name, "--to", str(to), "--from", f"{server.url}/a/"]) == code
            get.asked = server.asked
        return to

    return get


def content(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.spec("WSP-185", "each data set with size, licence and readers")
def test_the_list_shows_every_data_set(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::3]] == list(DATASETS)
    for i, dataset in enumerate(DATASETS.values()):
        first, title, readers = lines[3 * i : 3 * i + 3]
        assert f"{dataset.size / 1e6:.1f} MB" in first and dataset.licence in first
        assert dataset.title in title
        assert all(project in readers for project, _ in dataset.commands)


@pytest.mark.spec("WSP-185", "its address, size, SHA-256 and where these were found")
def test_every_file_has_a_size_a_digest_and_a_source():
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()[1:]]
    assert {row[0] for row in rows} == set(DATASETS) == set(PACKERS)
    assert len(rows) == sum(len(dataset.files) for dataset in DATASETS.values())
    for _, url, size, digest, source in rows:
        assert re.fullmatch(r"https?://[^/]+\.[a-z]+/\S+", url)
        assert int(size) > 4000 and re.fullmatch("[0-9a-f]{64}", digest)
        assert len(source) > 20
    assert len({row[3] for row in rows}) == len(rows)


def test_our_own_copy_is_the_file_that_is_known():
    copy = ROOT.parent / "shared/data/tinyshakespeare/input.txt"
    if not copy.exists():
        pytest.skip("needs ../shared/data/tinyshakespeare")
    (file,) = DATASETS["tiny_shakespeare"].files
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == file.sha256


@pytest.mark.spec("WSP-191", "appears whole or not at all")
def test_a_data_set_says_where_it_is_from(fetched, capsys):
    folder = fetched("cifar10")
    note = json.loads((folder / NOTE).read_text())
    assert note["licence"] in DATASETS["cifar10"].licence and note["citation"]
    assert set(note["sizes"]) | {NOTE} == set(content(folder))
    assert [path.name for path in folder.parent.iterdir()] == ["data"]
    out, err = capsys.readouterr()
    assert "licence: none given" in err and "cite: Krizhevsky" in err
    assert f"cifar10 is in {folder}" in out and "next, in vision_cnn/:" in out


@pytest.mark.spec("WSP-192", "that is there is not fetched again")
def test_what_is_there_is_not_fetched_again(fetched, capsys):
    folder = fetched("mnist")
    before = content(folder)
    assert len(fetched.asked) == 4
    fetched("mnist", {})
    assert fetched.asked == [] and content(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["data"]
    assert "next, in autograd_engine/:" in capsys.readouterr().out


@pytest.mark.spec("WSP-192", "or has lost a file, is named and left as it is")
def test_a_damaged_and_a_foreign_folder_are_named(fetched, capsys, tmp_path):
    folder = fetched("mnist")
    lost = folder / "t10k-labels-idx1-ubyte.gz"
    lost.write_bytes(b"cut")
    fetched("mnist", code=2)
    assert str(lost) in capsys.readouterr().err and lost.read_bytes() == b"cut"
    fetched("fashion_mnist", code=2)
    assert "is not fashion_mnist as fetch writes it" in capsys.readouterr().err
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all of it")
    fetched("mnist", to=mine, code=2)
    assert content(mine) == {"thesis.txt": b"all of it"}
    fetched("mnist", to=mine / "thesis.txt", code=2)


@pytest.mark.parametrize("note", ['{"name": "mnist", "sizes": [1]}', "[]", "\ud800"])
def test_a_damaged_note_is_one_sentence(fetched, capsys, note):
    folder = fetched("mnist")
    (folder / NOTE).write_bytes(note.encode("utf-8", "surrogatepass"))
    fetched("mnist", code=2)
    assert "is not mnist as fetch writes it" in capsys.readouterr().err


def test_an_empty_folder_is_filled(fetched, tmp_path):
    (tmp_path / "data").mkdir()
    assert len(content(fetched("tiny_shakespeare"))) == 2


@pytest.mark.spec("WSP-187", "from whichever address it comes")
def test_a_mirror_cannot_give_another_file(fetched, capsys):
    folder = fetched(
        "mnist", {name: b"x" * len(b) for name, b in pack("mnist").items()}, code=2
    )
    assert "SHA-256" in capsys.readouterr().err and not folder.exists()


@pytest.mark.spec("WSP-191", "with what had come")
def test_a_file_that_is_missing_keeps_the_others(fetched):
    packed = dict(pack("mnist"))
    gone = packed.pop("t10k-labels-idx1-ubyte.gz")
    assert not fetched("mnist", packed, code=2).exists()
    fetched("mnist", {"t10k-labels-idx1-ubyte.gz": gone})
    assert len(fetched.asked) == 1


@pytest.mark.spec("WSP-191", "after Ctrl-C the same command goes on")
def test_ctrl_c_and_again(tmp_path, fetched):
    name, packed = "tiny_shakespeare", pack("tiny_shakespeare")
    body = packed["input.txt"]

    def half(handler):
        handler.give(200, body[:9000], length=len(body), ETag='"1"')
        time.sleep(5)

    code = (
        "import sys; from tools import fetch; from tools.tests.packing import *\n"
        f"fetch.DATASETS['{name}'] = stand_in('{name}', pack('{name}'))\n"
        "sys.exit(fetch.main(sys.argv[1:]))"
    )
    part = tmp_path / ".data.fetching" / "input.txt.part"
    with serving(half) as server:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                code,
                name,
                "--to",
                tmp_path / "data",
                "--from",
                server.url,
            ],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        while not part.exists() or part.stat().st_size < 9000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        err = process.communicate()[1]
    assert process.returncode == 130 and err.endswith("goes on from here\n")
    assert not (tmp_path / "data").exists()
    assert content(fetched(name))["input.txt"] == body


@pytest.mark.spec("WSP-193", "Two processes do not fetch the same at once")
def test_one_at_a_time(tmp_path, fetched, capsys):
    work = tmp_path / ".data.fetching"
    work.mkdir()
    holder = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); "
        "fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", holder, work / "lock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        fetched("mnist", code=2)
        process.kill()
    assert "another process is fetching the same" in capsys.readouterr().err
    fetched("mnist")


def test_what_another_process_has_just_fetched_is_taken(fetched, monkeypatch, tmp_path):
    folder = fetched("mnist", to=tmp_path / "theirs")
    locked = module._locked

    def wait_for_it(work):
        folder.rename(tmp_path / "data")
        return locked(work)

    monkeypatch.setattr(module, "_locked", wait_for_it)
    fetched("mnist", {})
    assert fetched.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.spec("WSP-194", "Too little space is said before the download")
def test_too_little_space(fetched, monkeypatch, capsys):
    free = shutil._ntuple_diskusage(10**9, 10**9, 5 * 10**6)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: free)
    fetched("cifar10", code=2)
    assert fetched.asked == []
    assert "needs 241 MB and has 5 MB free" in capsys.readouterr().err


def test_what_came_already_needs_no_space(fetched, monkeypatch, tmp_path):
    size = stand_in("cifar10", pack("cifar10")).size
    free = DATASETS["cifar10"].unpacked + module.SPARE + 1000
    free = shutil._ntuple_diskusage(10**9, 10**9, free)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: free)
    fetched("cifar10", code=2)
    work = tmp_path / ".data.fetching"
    (work / "cifar-10-binary.tar.gz.part").write_bytes(bytes(size - 1000))
    fetched("cifar10")


def test_what_was_half_unpacked_takes_up_no_space(fetched, monkeypatch, tmp_path):
    left = write(tmp_path / ".data.fetching" / "whole" / "left by a stop", "")
    free = lambda _: shutil._ntuple_diskusage(1, 1, 0 if left.exists() else 10**9)  # noqa: E731
    monkeypatch.setattr(module.shutil, "disk_usage", free)
    fetched("tiny_shakespeare")
