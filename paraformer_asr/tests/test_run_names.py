# pattern: tests/test_run_names.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_run_names.py --from <sub-project>
"""Where a run is written: numbers, names, `latest`, and folders that refuse it."""

import os
from pathlib import Path

import pytest

from src.training import launch
from src.training.options import Options
from src.utils.errors import InputError
from src.utils.latest import find_run, point_latest, resolve
from src.utils.lock import check_free
from src.utils.run_dir import RunDir
from tests.tiny import CONFIG, TINY, command, in_fork, wait


fcntl = pytest.importorskip("fcntl") if hasattr(os, "fork") else None
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def create(out: Path, **options) -> Path:
    with RunDir.create(out, "net", **options) as run:
        run.update_meta(status="running")
        return run.path


def names(out: Path) -> list[str]:
    return sorted(p.name for p in out.iterdir() if not p.is_symlink())


def test_numbers_go_on_after_the_largest(tmp_path):
    for name in ("net-007", "net-x", "net-²", "net_b-100", "net"):
        (tmp_path / name).mkdir()
    assert create(tmp_path).name == "net-008"
    assert create(tmp_path).name == "net-009"
    (tmp_path / "net-1200").touch()
    assert create(tmp_path).name == "net-1201"


@needs_fork
@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ({"name": "run"}, "Wait for it, stop it, or choose another --name"),
        ({"name": "run", "overwrite": True}, "Wait for it, stop it, or choose another"),
        ({"resume": "run", "config": None}, "Wait for it, or stop it"),
    ],
)
def test_a_run_in_use_is_refused_before_data_and_model(
    tmp_path, monkeypatch, asked, advice
):
    def train_again() -> int:
        monkeypatch.setattr(launch, "build", None)
        with pytest.raises(InputError, match=f"is in use by process .*{advice}"):
            launch.train(Options(**{"config": CONFIG, "out": tmp_path} | asked))
        return 0

    with RunDir.create(tmp_path, "net", name="run") as run:
        run.update_meta(status="running")
        assert wait(in_fork(train_again)) == 0
    assert (run.path / ".lock").read_text().startswith(f"process {os.getpid()} ")


@needs_fork
def test_two_may_look_at_once_whether_a_run_is_free(tmp_path):
    def look() -> int:
        check_free(path, "")
        return 0

    path = create(tmp_path)
    with open(path / ".lock") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        assert wait(in_fork(look)) == 0


@needs_fork
def test_two_that_start_at_once_do_not_share_a_folder(tmp_path):
    def create_five() -> int:
        return len({create(tmp_path / "runs") for _ in range(5)})

    processes = [in_fork(create_five) for _ in range(2)]
    assert [wait(pid) for pid in processes] == [5, 5]
    assert names(tmp_path / "runs") == [f"net-{i:03d}" for i in range(1, 11)]


def test_latest_is_a_relative_link_to_the_newest_start(tmp_path):
    for _ in range(2):
        path = create(tmp_path)
        assert os.readlink(tmp_path / "latest") == path.name
        assert find_run("latest", tmp_path) == path
        assert find_run(tmp_path / "latest/checkpoints/last.pt", tmp_path) == path
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
    assert (tmp_path / "latest.txt").read_text() == path.name == "net-002"
    best = resolve(tmp_path / "latest/checkpoints/best.pt")
    assert best == path / "checkpoints/best.pt"
    assert find_run("latest", tmp_path) == path


@pytest.mark.parametrize("given", ["", "checkpoints", "checkpoints/last.pt"])
def test_a_run_is_found_by_what_is_in_it(tmp_path, given):
    path = create(tmp_path)
    (path / "checkpoints/last.pt").touch()
    assert find_run(path / given, tmp_path) == path
    assert find_run(path.name, tmp_path) == path
    with pytest.raises(InputError, match=r"no such run; .* has: net-001$"):
        find_run("net-002", tmp_path)


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


def test_out_below_a_file(tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing/there")
    for out in ("file", "file/runs", "dangling"):
        for name in ([], ["--name", "a"]):
            where = ["--out", tmp_path / out, *name, "--device", "cpu", "--quiet"]
            assert command("--config", CONFIG, *TINY, *where) == 2
            said = capsys.readouterr().err
            assert "cannot be written" in said and "Choose another --out" in said


@needs_fork
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="as root")
def test_out_that_is_read_only(tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)

    def as_nobody() -> int:
        os.setuid(65534)
        with pytest.raises(InputError, match="cannot be written: Permission denied"):
            create(tmp_path)
        return 0

    assert wait(in_fork(as_nobody, None)) == 0
    assert names(tmp_path) == []


def test_latest_can_point_twice(tmp_path):
    for name in ("a", "a", "b"):
        (tmp_path / name).mkdir(exist_ok=True)
        point_latest(tmp_path / name)
        assert (tmp_path / "latest").resolve() == tmp_path / name


# local: begin
pytest.mark.spec("ASR-177", "numbered without collision")(
    test_numbers_go_on_after_the_largest
)
pytest.mark.spec("ASR-177", "numbered without collision")(
    test_two_that_start_at_once_do_not_share_a_folder
)
pytest.mark.spec("ASR-177", "`runs/latest` follows the newest start")(
    test_latest_is_a_relative_link_to_the_newest_start
)
pytest.mark.spec("ASR-172", "2 bad input")(test_out_below_a_file)
# local: end
