"""Files that are written whole, and what is no file to be replaced."""

import os
import subprocess
import sys
import threading

import pytest

from tools.files import replace_whole, write_whole
from tools.projects import ROOT


@pytest.mark.spec("WSP-113", "what is no regular file is written into")
def test_a_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard = []
    reader = threading.Thread(
        target=lambda: heard.append(pipe.read_text()), daemon=True
    )
    reader.start()
    write_whole(pipe, "text")
    if pipe.is_file():  # it has been replaced: nobody will ever write into it
        pytest.fail("the pipe is a file now")
    reader.join(60)
    assert heard == ["text"] and pipe.is_fifo()


@pytest.mark.spec("WSP-113", "what is no regular file is written into")
@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_what_was_printed_into_a_file_stays_before_the_text(tmp_path, path):
    if not os.path.exists(path):
        pytest.skip(f"no {path} here")
    code = (
        "from pathlib import Path\nfrom tools.files import write_whole\n"
        f"print('table')\nwrite_whole(Path('{path}'), 'text\\n')\nprint('end')"
    )
    with open(tmp_path / "out", "wb") as out:
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "table\ntext\nend\n"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to("there/a.csv")
    write_whole(link, "1")
    write_whole(link, "2")
    assert link.is_symlink() and (tmp_path / "there/a.csv").read_text() == "2"
    assert len(list(tmp_path.rglob("*"))) == 3


def test_a_file_that_could_not_be_made_leaves_the_old_one(tmp_path):
    path = tmp_path / "a"
    write_whole(path, "old")

    def half(part):
        part.write_text("ne")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        replace_whole(path, half)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a", "old")]
