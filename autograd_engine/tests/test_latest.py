"""Where a run is written: numbers, names, `latest`, and folders that refuse it."""

import os
from pathlib import Path

import pytest

from src.utils.errors import InputError
from src.utils.latest import find_run, point_latest, resolve
from src.utils.run_dir import RunDir
from tests.forked import end_forked, in_fork, wait


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def ended():
    yield
    end_forked()


def create(out: Path, **options) -> Path:
    with RunDir.create(out, "mlp", **options) as run:
        run.update_meta(status="running")
        return run.path


def names(out: Path) -> list[str]:
    return sorted(p.name for p in out.iterdir() if not p.is_symlink())


@pytest.mark.spec("AGE-069", "numbered without collision")
def test_numbers_go_on_after_the_largest(tmp_path):
    for name in ("mlp-007", "mlp-x", "mlp-²", "mlp_b-100", "mlp"):
        (tmp_path / name).mkdir()
    assert create(tmp_path).name == "mlp-008"
    assert create(tmp_path).name == "mlp-009"
    (tmp_path / "mlp-1200").touch()
    assert create(tmp_path).name == "mlp-1201"


@needs_fork
@pytest.mark.spec("AGE-069", "numbered without collision")
def test_two_that_start_at_once_do_not_share_a_folder(tmp_path):
    def create_five() -> int:
        return len({create(tmp_path / "runs") for _ in range(5)})

    processes = [in_fork(create_five) for _ in range(2)]
    assert [wait(pid) for pid in processes] == [5, 5]
    assert names(tmp_path / "runs") == [f"mlp-{i:03d}" for i in range(1, 11)]


@pytest.mark.spec("AGE-069", "`runs/latest` follows the newest start")
def test_latest_is_a_relative_link_to_the_newest_start(tmp_path):
    for _ in range(2):
        path = create(tmp_path)
        assert os.readlink(tmp_path / "latest") == path.name
        assert find_run("latest", tmp_path) == path
        assert find_run(tmp_path / "latest/checkpoints/last.npz", tmp_path) == path
    assert not list(tmp_path.glob(".*"))


def test_latest_that_is_a_folder_is_refused_before_anything_is_made(tmp_path):
    (tmp_path / "latest").mkdir()
    with pytest.raises(InputError, match="latest is a folder; move it away"):
        create(tmp_path)
    assert names(tmp_path) == ["latest"]


def test_latest_is_a_text_where_links_are_refused(tmp_path, monkeypatch):
    create(tmp_path)

    def refuse(*_):
        raise OSError(1314, "a privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    path = create(tmp_path)
    assert (tmp_path / "latest.txt").read_text() == path.name == "mlp-002"
    best = resolve(tmp_path / "latest/checkpoints/best.npz")
    assert best == path / "checkpoints/best.npz"
    assert find_run("latest", tmp_path) == path


@pytest.mark.parametrize("given", ["", "checkpoints", "checkpoints/last.npz"])
def test_a_run_is_found_by_what_is_in_it(tmp_path, given):
    path = create(tmp_path)
    (path / "checkpoints/last.npz").touch()
    assert find_run(path / given, tmp_path) == path
    assert find_run(path.name, tmp_path) == path
    with pytest.raises(InputError, match=r"no such run; .* has: mlp-001$"):
        find_run("mlp-002", tmp_path)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/", "latest", "../other"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_cannot_lead_elsewhere(tmp_path, name, overwrite):
    (tmp_path / "out/x").mkdir(parents=True)
    (tmp_path / "out/x/thesis.txt").touch()
    with pytest.raises(InputError, match="give a name"):
        create(tmp_path / "out", name=name, overwrite=overwrite)
    assert (tmp_path / "out/x/thesis.txt").exists()


def test_a_folder_that_is_no_run_is_never_overwritten(tmp_path):
    (tmp_path / "thesis/plots").mkdir(parents=True)
    (tmp_path / "thesis/plots/a.png").touch()
    with pytest.raises(InputError, match="is not the folder of a run"):
        create(tmp_path, name="thesis", overwrite=True)
    assert (tmp_path / "thesis/plots/a.png").exists()


def test_overwrite_replaces_a_run_and_spares_what_else_is_there(tmp_path):
    path = create(tmp_path, name="a")
    for file in ("summary.json", "plots/x.png", "notes.txt", "eval/deep/x"):
        (path / file).parent.mkdir(exist_ok=True)
        (path / file).touch()
    with pytest.raises(InputError, match="exists. Continue it with --resume"):
        create(tmp_path, name="a")
    assert (path / "summary.json").exists()
    create(tmp_path, name="a", overwrite=True)
    left = [str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()]
    assert sorted(left) == [".lock", "meta.json", "notes.txt"]


@pytest.mark.parametrize("out", ["file", "file/runs", "dangling"])
def test_a_place_that_is_no_folder_is_said(tmp_path, out):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing/there")
    for name in ("", "a"):
        with pytest.raises(InputError, match="cannot be written: .*another --out"):
            create(tmp_path / out, name=name)


def test_latest_can_point_twice(tmp_path):
    for name in ("a", "a", "b"):
        (tmp_path / name).mkdir(exist_ok=True)
        point_latest(tmp_path / name)
        assert (tmp_path / "latest").resolve() == tmp_path / name
