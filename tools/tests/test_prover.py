import functools
import json
from types import SimpleNamespace

import pytest

from tests import exercises
from tests.exercises import TESTS
from tests.fake import write
from tools import exercise_verify, probes, prover


verify = exercises.verify
WITH_A_SET_UP = """import json
import os
import time

import pytest
from src.numbers import Point


def note(*words):
    with open(LOG, "a") as file:
        file.write(json.dumps([os.getpid(), FILE, *words]) + "\\n")


@pytest.fixture(scope="module")
def made():
    note("set-up")
    time.sleep(0.1)
    return []


def length():
    try:
        return Point(3, 4).length
    except NotImplementedError:
        return 5


def wait(request, seconds):
    mark = request.node.get_closest_marker("timeout")
    note(request.node.name, mark.args[0] if mark else 0)
    time.sleep(seconds)


@pytest.mark.spec("ABC-003", "first")
def test_first(made, request):
    wait(request, 0.2)
    assert length() == 5


@pytest.mark.spec("ABC-005", "second")
def test_second(made, request):
    wait(request, 0)
    assert length() == 5


@pytest.mark.spec("ABC-006", "third")
def test_third(made, request):
    wait(request, 0.1)
    assert length() == 5
"""


@pytest.fixture
def notes(verify, tmp_path):
    """What two files with set-ups note, process by process."""
    log = tmp_path / "log"
    for name in ("test_one", "test_two"):
        head = f"LOG, FILE = {str(log)!r}, {name!r}\n"
        write(tmp_path / f"alpha/tests/{name}.py", head + WITH_A_SET_UP)
    code, lines = verify("alpha:numbers.Point.length", "--list")
    assert code == 0, lines
    found = {}
    for process, *words in map(json.loads, log.read_text().splitlines()):
        found.setdefault(process, []).append(words)
    return list(found.values())


@pytest.mark.spec("WSP-220", "exactly its own fail")
def test_files_stay_together_and_quick_tests_come_first(notes):
    quick = ["second", "third", "first"]
    orders = [sorted(quick, key=["first", "second", "third"].index), quick]
    for ran, order in zip(notes, orders, strict=True):  # with the bodies, without one
        names = [(file, word) for file, word, *_ in ran]
        assert len(names) == 8
        for file in ("test_one", "test_two"):
            here = names.index((file, "set-up"))
            words = ["set-up", *(f"test_{word}" for word in order)]
            assert names[here : here + 4] == [(file, word) for word in words]


@pytest.mark.spec("WSP-225", "A loop that never ends without the body is stopped")
def test_a_set_up_is_not_charged_to_the_quick_test(notes):
    _, without = notes
    limits = [words[2] for words in without if words[1] == "test_second"]
    assert min(limits) >= prover.EACH + prover.BUSY * 0.1


@pytest.mark.spec("WSP-225", "`verify` counts it as a failure and goes on")
def test_only_a_learner_stops_at_a_loop_without_an_end(tmp_path):
    message = "Failed: Timeout (>60.0s) from pytest-timeout."
    crash = SimpleNamespace(path="test_it.py", lineno=1, message=message)
    report = SimpleNamespace(
        nodeid="a",
        when="call",
        duration=60,
        passed=False,
        failed=True,
        outcome="failed",
        longrepr=SimpleNamespace(reprcrash=crash),
    )
    one = prover.Prover.__new__(prover.Prover)
    one.session, one.seen, one.known = SimpleNamespace(shouldstop=False), None, set()
    one.tests = {"a": {"ids": ["X"], "outcome": "", "message": "", "seconds": 0}}
    one.pytest_runtest_logreport(report)
    assert (one.tests["a"]["outcome"], one.known) == ("failed", {"X"})
    assert not one.session.shouldstop


@pytest.mark.spec("WSP-225", "names a test that cannot be stopped")
def test_the_time_of_an_exercise_grows_with_its_tests(verify, monkeypatch):
    """With little to spare it is still five times what the tests took before."""
    slow = TESTS.replace(
        "def test_length():\n", "def test_length():\n    import time; time.sleep(2)\n"
    )
    monkeypatch.setattr(exercise_verify, "LIMIT", 1)
    code, lines = verify("alpha:numbers.Point.length", tests=slow)
    assert code == 0, lines


def test_a_cache_that_is_watched_is_built_once(monkeypatch):
    built = []

    def counted(maxsize, typed):
        built.append((maxsize, typed))
        return real(maxsize, typed)

    real = functools.lru_cache
    monkeypatch.setattr(functools, "lru_cache", counted)
    monkeypatch.setattr(functools, "cache", functools.cache)
    probes._watch_caches(set())
    watched = functools.lru_cache(maxsize=3, typed=True)(abs)
    assert [watched(-2), watched(-2.0), watched(-2)] == [2, 2.0, 2]
    assert watched.cache_info() == (1, 2, 3, 2)
    assert functools.lru_cache(abs).cache_parameters()["maxsize"] == 128
    assert functools.cache(abs).cache_parameters()["maxsize"] is None
    assert built == [(3, True), (128, False), (None, False)]
