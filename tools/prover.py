"""A pytest that collects once, then forks: which tests need the body of which callable.

One child runs the tests with the probes of `tools.probes`. Then a child for each
callable runs, without its body, those that call it; a test of which all ids are known
to fail is left out. What a fixture or a cache calls counts for all tests that use it. A
test that fails with probes alone (a compiler meets one) may call any callable. What an
object keeps from one test to the next hides a call: so all tests of listed ids run.
Quick files come first, and in a file quick tests, so that a slow one need not run; a
file is not left before its end, as the set-ups of a module are made once.
"""

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tools.probes import FIRST, Bodies, Place, Seen, drop_compiled
from tools.recorder import EACH, Recorder


BUSY = 5  # times what a test took, it may take on a machine that is busy now


def set_ups(tests: Mapping[str, Mapping]) -> Counter[str]:
    """File -> seconds; another test than before may have to make them."""
    seconds: Counter[str] = Counter()
    for name, test in tests.items():
        seconds[name.split("::")[0]] += test["setup"]
    return seconds


class Prover(Recorder):
    """Forks instead of running the tests."""

    stops = False  # each test counts, also after one without an end

    def __init__(self, job: dict) -> None:
        super().__init__(job["ids"])
        self.job, self.child = job, 0
        self.tree = Path(job["tree"])
        self.places = {path: Place(*place) for path, place in job["places"].items()}
        self.seen: Seen | None = Seen(job["seen"])
        self.fixtures: dict[int, set[str]] = {}
        self.early: set[str] = set()  # called before any test ran
        self.red: dict[str, list[str] | str] = {}  # path -> ids, or what did not end
        self.asked: set[str] = set()  # ids that the exercise lists
        self.callers: set[str] | None = None  # tests that call it
        self.known: set[str] = set()  # ids that are red in this child
        self.now = Path(f"{job['out']}.now")  # the test in which a child is
        signal.signal(signal.SIGTERM, self._leave)

    def result(self) -> dict:
        return super().result() | {"early": sorted(self.early), "red": self.red}

    def pytest_sessionstart(self):
        """Where a failure is enough, hypothesis need not look for the smallest."""
        if "hypothesis" in sys.modules:
            from hypothesis import Phase, settings

            phases = [Phase.explicit, Phase.reuse, Phase.generate]
            settings.register_profile("any", settings.default, phases=phases)
            settings.load_profile("any")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.early = self.seen.take()
        bodies = Bodies(self.tree, self.places)
        gc.freeze()  # else the first collection of each child copies all memory
        items = session.items
        self.tests = self._ran(lambda: self._run(items))
        self.seen = None
        for place in [*self.places.values(), FIRST]:
            drop_compiled(self.tree / place.file)
        again = [i for i in items if self.tests[i.nodeid]["outcome"] == "failed"]
        if again:
            for name, test in self._ran(lambda: self._run(again, bodies)).items():
                self.tests[name] = test | {"seen": list(self.places)}
        passed = [i for i in items if self.tests[i.nodeid]["outcome"] == "passed"]
        for path, place in self.places.items():
            self.asked = set(place.ids)
            self.callers = {
                i.nodeid for i in passed if path in self.tests[i.nodeid]["seen"]
            }
            chosen = self._ordered([i for i in passed if self._wanted(i)])
            self.red[path] = self._without(path, chosen, bodies) if chosen else []
        return True

    def _ordered(self, items: list) -> list:
        """File by file, and in a file: callers first, and of these the quick ones."""
        seconds: Counter[str] = Counter()
        calling = set()
        for item in items:
            seconds[_file(item)] += self.tests[item.nodeid]["seconds"]
            if item.nodeid in self.callers:
                calling.add(_file(item))
        place = {file: (file not in calling, seconds[file], file) for file in seconds}

        def rank(item):
            name = item.nodeid
            return (
                *place[_file(item)],
                name not in self.callers,
                self.tests[name]["seconds"],
            )

        return sorted(items, key=rank)

    def _without(self, path: str, items: list, bodies: Bodies) -> list[str] | str:
        """The ids that fail without a body, in processes that tests start too."""
        file = self.tree / self.places[path].file
        old = file.read_bytes()
        file.write_bytes(self.places[path].bytes())
        drop_compiled(file)
        before = set_ups(self.tests)
        seconds = sum(self.tests[item.nodeid]["seconds"] for item in items)
        seconds += sum(before[file] for file in {_file(item) for item in items})
        limit = self.job["each"] + BUSY * seconds
        ran = self._fork(lambda: self._run(items, bodies, path), limit)
        file.write_bytes(old)
        drop_compiled(file)
        if isinstance(ran, str):
            return ran
        failed = [test for test in ran.values() if test["outcome"] == "failed"]
        return sorted({id for test in failed for id in test["ids"]})

    def _wanted(self, item) -> set[str]:
        """The ids whose fate it may still decide.

        Of listed ids all tests are asked, as a call may have been hidden: a test may
        use what one before it has made by the callable, and kept in an object.
        """
        ids = set(self.tests[item.nodeid]["ids"])
        return (ids if item.nodeid in self.callers else ids & self.asked) - self.known

    def _run(self, items, bodies: Bodies | None = None, removed: str = "") -> dict:
        """In a child: what the tests say."""
        if bodies:
            bodies.take_out(removed)
        new = {"outcome": "", "message": "", "seconds": 0.0, "setup": 0.0}
        before = set_ups(self.tests) if removed else {}
        for item in items:
            if removed:  # a loop may never end
                took = self.tests[item.nodeid]["seconds"] + before[_file(item)]
                item.add_marker(pytest.mark.timeout(EACH + BUSY * took))
            self.tests[item.nodeid] |= new
        for item, following in zip(items, [*items[1:], None], strict=False):
            self.now.write_text(item.nodeid, encoding="utf-8")
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return {item.nodeid: self.tests[item.nodeid] for item in items}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if self.callers is not None and not self._wanted(item):
            pytest.skip("its sentences are known to fail")

    def pytest_runtest_logreport(self, report):
        super().pytest_runtest_logreport(report)
        self.tests[report.nodeid]["seconds"] += report.duration
        if report.when == "setup":
            self.tests[report.nodeid]["setup"] = report.duration
        if report.failed and not self.seen:
            self.known |= set(self.tests[report.nodeid]["ids"])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if not self.seen:
            return (yield)
        before = self.seen.take()
        try:
            return (yield)
        finally:
            inside = self.seen.take()
            self.fixtures.setdefault(id(fixturedef), set()).update(inside)
            self.seen.add(before | inside)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        if not self.seen:
            return (yield)
        self.seen.take()
        try:
            return (yield)
        finally:
            called = self.seen.take()
            for definitions in item._fixtureinfo.name2fixturedefs.values():
                for one in definitions:
                    called |= self.fixtures.get(id(one), set())
            self.tests[item.nodeid]["seen"] = sorted(called)

    def _ran(self, work: Callable[[], dict]) -> dict:
        ran = self._fork(work, None)
        if isinstance(ran, str):
            self.broken[ran] = "ended Python"
            pytest.exit(f"{ran} ended Python")
        return ran

    def _fork(self, work: Callable[[], dict], limit: float | None) -> dict | str:
        """What a child says; if it does not end, the test in which it is."""
        out = Path(f"{self.job['out']}.part")
        out.unlink(missing_ok=True)
        self.now.write_text("what comes before the first test")
        sys.stdout.flush()  # or the child says it once more
        self.child = os.fork()
        if not self.child:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.setsid()
                out.write_text(json.dumps(work()), encoding="utf-8")
            except BaseException as error:
                traceback.print_exc()
                with self.now.open("a", encoding="utf-8") as file:
                    file.write(f": {error!r}")
            finally:
                os._exit(0)
        end = time.monotonic() + (float("inf") if limit is None else limit)
        while not os.waitpid(self.child, os.WNOHANG)[0] and time.monotonic() < end:
            time.sleep(0.02)
        self._kill()
        try:
            return json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return self.now.read_text(encoding="utf-8", errors="replace")

    def _kill(self) -> None:
        """The child, and what its tests left behind."""
        if self.child:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child, signal.SIGKILL)

    def _leave(self, number, frame) -> None:
        self._kill()
        with suppress(ChildProcessError):
            os.waitpid(self.child, 0)
        os._exit(128 + number)


def _file(item) -> str:
    return item.nodeid.split("::")[0]
