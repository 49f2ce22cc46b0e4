"""tools.report: what of a run gets into the page, and in which form."""

import base64
import io
import json
import math
import os
import re
import subprocess
import sys

import pytest
from PIL import Image

from tools import report, report_pictures
from tools.projects import ROOT
from tools.report_data import read_one, status_of
from tools.tests.fake import project, write
from tools.tests.made_up_runs import EVIL, draw, make_run


INF, NAN = math.inf, math.nan
LAUGHS = b"a0: &a0 [1]\n" + b"".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n".encode() for n in range(1, 10)
)


def blocks(page: bytes) -> dict:
    found = re.findall(
        r'<script type="application/json" id="([^"]+)">(.*?)</script>', page.decode()
    )
    return {name: json.loads(text) for name, text in found}


@pytest.fixture
def root(tmp_path):
    runs = project(tmp_path, "alpha") / "runs"
    make_run(runs, "one", {"seed": 1}, pictures=["plots/curves.png"], minute=1)
    make_run(runs, "two", minute=2)
    return tmp_path


def built(root, *places):
    page, _ = report.build(places or [root / "alpha/runs"], root)
    return page, blocks(page)


@pytest.mark.spec("WSP-140", "one HTML file that asks for nothing else")
def test_the_page_names_no_address_and_allows_only_its_own_script_and_style(root):
    text = built(root)[0].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data:; script-src 'sha256-")
    assert "unsafe" not in policy
    without = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\(", without)
    assert set(re.findall(r'(?:src|href)="([^"#]*)', without)) == {"", "data:,"}


@pytest.mark.spec("WSP-140", "every run in or below the places")
def test_all_places_are_searched_and_a_run_that_is_found_twice_is_shown_once(root):
    sweep = make_run(root / "elsewhere/runs/sweep", "lr-1", minute=5)
    (sweep.parent.parent / "latest").symlink_to(sweep)
    _, found = built(root, root / "alpha/runs", root / "elsewhere", sweep)
    shown = [(run["project"], run["name"]) for run in found["data"]["runs"]]
    assert shown == [("elsewhere", "sweep/lr-1"), ("alpha", "two"), ("alpha", "one")]


@pytest.mark.spec("WSP-141", "is shown as text")
def test_no_text_of_a_run_can_end_the_block_that_holds_it(root):
    run = make_run(root / "alpha/runs", "<script>", {"note": EVIL, "é": 1})
    write(run / "meta.json", json.dumps({"status": EVIL, "command": [EVIL, "\ud800"]}))
    page, found = built(root)
    assert b"window.owned" in page and b"<script>window" not in page
    assert page.count(b"<script") == len(found) + 1
    shown = next(one for one in found["data"]["runs"] if one["name"] == "<script>")
    assert shown["status"] == shown["facts"]["command"][0] == EVIL
    assert shown["own"]["note"] == EVIL


@pytest.mark.spec("WSP-142", "The same files give the same bytes")
def test_two_builds_are_equal(root):
    for name in ("a", "b", "c"):  # none is newer than the others
        make_run(root / "alpha/runs", name, {"seed": 1}, minute=3)
    code = "import sys; from tools import report; sys.exit(report.main(sys.argv[1:]))"
    for seed in "12":
        words = [sys.executable, "-c", code, root, "--out", root / seed]
        subprocess.run(words, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed})
    assert (root / "1").read_bytes() == (root / "2").read_bytes()
    shown = blocks((root / "1").read_bytes())["data"]["runs"]
    assert [run["name"] for run in shown] == ["c", "b", "a", "two", "one"]


def embedded(picture) -> Image.Image:
    kind, text = picture["data"].split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert kind == f"data:image/{image.format.lower()}"
    return image


@pytest.mark.spec("WSP-144", "scaled down to 1000 by 1400")
def test_a_large_picture_is_scaled_and_a_small_one_is_taken_as_it_is(tmp_path):
    large = embedded(report_pictures.embed(draw(tmp_path / "a.png", (1500, 300))))
    assert (large.size, large.format) == ((1000, 200), "WEBP")
    small = report_pictures.embed(draw(tmp_path / "b.png"))
    assert (
        base64.b64decode(small["data"].split(",")[1])
        == (tmp_path / "b.png").read_bytes()
    )


@pytest.mark.spec("WSP-144", "named with the reason")
def test_what_is_no_picture_or_too_large_says_so(tmp_path, monkeypatch):
    write(tmp_path / "a.png", "no picture")
    assert report_pictures.embed(tmp_path / "a.png")["why"].startswith("cannot be read")
    monkeypatch.setattr(report_pictures, "PIXELS", 100)
    found = report_pictures.embed(draw(tmp_path / "b.png"))
    assert found == {"why": "left out: 60 by 40 points"}


@pytest.mark.spec("WSP-144", "newest run first")
def test_when_the_page_is_full_older_runs_name_their_pictures(tmp_path, monkeypatch):
    old, new = (draw(tmp_path / name / "plots/a.png") for name in ("old", "new"))
    room = len(report_pictures.embed(new)["data"]) + 10
    folders = [new.parents[1], old.parents[1]]
    monkeypatch.setattr(report_pictures, "TOTAL", room)
    (first,), (second,) = report_pictures.pictures_of(folders)
    assert "data" in first and second["name"] == "plots/a.png"
    assert "newer runs" in second["why"] and "data" not in second


@pytest.mark.spec("WSP-144", "8 of a folder and 24 of a run")
def test_a_folder_of_many_pictures_does_not_fill_the_page(tmp_path):
    for folder in ("predictions", "eval/test", "plots", "look", "explained"):
        for number in range(10):
            write(tmp_path / folder / f"{number}.png", "")
    names = [str(path.parent.name) for path in report_pictures.find_pictures(tmp_path)]
    assert names == ["plots"] * 8 + ["predictions"] * 8 + ["explained"] * 8
    alone = write(tmp_path / "other" / "curves.png", "")
    assert report_pictures.find_pictures(alone.parent) == [alone]


@pytest.mark.spec("WSP-145", "shown as such, with what can be read of it")
@pytest.mark.parametrize(
    "name, damage",
    [
        ("config.yaml", b"a: [1"),
        ("config.yaml", b"\xff\xfe"),
        ("config.yaml", LAUGHS),
        ("config.yaml", b"a: &a [*a]"),
        ("config.yaml", b"a: &a {b: *a}"),
        ("config.yaml", b"a: " + b"[" * 900 + b"]" * 900),
        ("meta.json", b'{"git": ' + b'{"a":' * 600 + b"1" + b"}" * 601),
        ("meta.json", b'{"seed": 1' + b"0" * 400 + b"}"),
        ("events.jsonl", b'{"step": 1' + b"0" * 400 + b"}\n"),
        ("meta.json", b"[]"),
        ("summary.json", b"{"),
        ("metrics.csv", b"step,loss\n1,\xff\n"),
        ("metrics.csv", b'step,loss\n1,"' + b"x" * 200_000),
        ("events.jsonl", b"nonsense\n{}\n"),
        ("eval/test.json", b"{"),
    ],
)
def test_one_damaged_file_is_named_and_the_rest_is_there(root, name, damage):
    path = root / "alpha/runs/one"
    (path / "eval").mkdir()
    (path / name).write_bytes(damage)
    data = built(root)[1]["data"]["runs"]
    assert {run["name"] for run in data} == {"one", "two"}
    (run,) = (run for run in data if run["name"] == "one")
    (problem,) = run["problems"]
    assert problem.startswith(f"{name} cannot be read: ") and len(problem) < 300
    assert run["results"] or name == "summary.json"
    assert run["metrics"] or name == "metrics.csv"


@pytest.mark.spec("WSP-145", "empty or killed")
def test_a_run_without_a_process_is_killed_and_tells_its_best_until_then(root):
    run = make_run(root / "alpha/runs", "cut", status="running")
    best = {"t": "x", "step": 9, "event": "best", "accuracy": 0.4}
    write(run / "events.jsonl", f'{json.dumps(best)}\n{{"t": "2026')
    write(run / "metrics.csv", "step,epoch,split,loss\n")
    _, row, curves = read_one(run)
    assert (row["status"], row["problems"], curves) == ("killed", [], {})
    assert row["results"] == {"best accuracy": 0.4} and row["steps"] is None


def test_a_run_that_holds_its_lock_is_running(root):
    fcntl = pytest.importorskip("fcntl")
    run = make_run(root / "alpha/runs", "live", status="running")
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); "
        "fcntl.lockf(file, fcntl.LOCK_EX); print('held', flush=True); input()"
    )
    words = [sys.executable, "-c", code, run / ".lock"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as holder:
        holder.stdout.readline()
        held = status_of(read_one(run)[0])
        holder.communicate(b"\n")
    assert fcntl and (held, status_of(read_one(run)[0])) == ("running", "killed")
