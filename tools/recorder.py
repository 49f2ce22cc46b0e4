"""A pytest plugin: which tests ran, how they ended, and what they called.

Runs in a child of `tools.grading`; the probes of `tools.reach` tell what was called.
"""

import builtins
import functools
import signal
import sys
from pathlib import Path

import pytest


SHORT = 0.25  # CPU-seconds
EXAMPLES = 5  # of hypothesis: enough to see what a test calls


class Recorder:
    """Chooses the tests of a `tools.grading.Run`, and notes what happens."""

    def __init__(self, run) -> None:
        self.run = run
        self.only = None if run.only is None else set(run.only)
        self.tests: dict[str, dict] = {}
        self.broken: dict[str, str] = {}  # test files that cannot be imported
        self.seen = Seen(run.seen) if run.seen else None
        self.early: set[str] = set()  # called before any test ran
        self.fixtures: dict[int, set[str]] = {}
        self.short = False
        if run.whole is not None:
            sys.addaudithook(self._refuse_processes)

    def result(self) -> dict:
        """All that was noted."""
        return {
            "tests": self.tests,
            "broken": self.broken,
            "early": sorted(self.early),
        }

    def pytest_sessionstart(self):
        if self.run.seen and "hypothesis" in sys.modules:
            settings = sys.modules["hypothesis"].settings
            settings.register_profile("few", settings.default, max_examples=EXAMPLES)
            settings.load_profile("few")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        wanted = []
        for item in items:
            ids = sorted({mark.args[0] for mark in item.iter_markers("spec")})
            if self.run.ids is not None:
                chosen = bool(set(ids) & set(self.run.ids))
            else:
                chosen = ids if self.only is None else item.nodeid in self.only
            if chosen:
                wanted.append(item)
                self.tests[item.nodeid] = {"ids": ids, "outcome": "", "message": ""}
        items[:] = wanted
        if self.seen:
            self.early |= self.seen.take()

    def pytest_collectreport(self, report):
        if report.failed:
            self.broken[report.nodeid] = _message(report)

    def pytest_runtest_logreport(self, report):
        note = self.tests[report.nodeid]
        note["seconds"] = round(note.get("seconds", 0) + report.duration, 3)
        called = report.when == "call" and not note["outcome"]
        if note["outcome"] != "failed" and (called or not report.passed):
            note["outcome"] = report.outcome
            note["message"] = _message(report) if report.failed else ""

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

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item):
        """A test of other ids than `whole` may not take long; fixtures may, as others
        may need them too."""
        whole, ids = self.run.whole, self.tests[item.nodeid]["ids"]
        if whole is None or set(whole) & set(ids):
            return (yield)
        try:
            self.short = True
            signal.signal(signal.SIGPROF, _too_long)
            signal.setitimer(signal.ITIMER_PROF, SHORT, SHORT)
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.short = False

    def _refuse_processes(self, event: str, _) -> None:
        if self.short and event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
            _too_long(0, sys._getframe())


class TooLong(BaseException):
    """No Exception, which a test may expect."""


def _too_long(number, frame) -> None:
    """End the test, but not within an import or a compiler.

    What these leave half done would fail the tests that follow.
    """
    while frame:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or "/torch/_dynamo/" in name:
            return
        frame = frame.f_back
    raise TooLong


def _message(report) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        lines = str(report.longrepr).strip().splitlines()
        return lines[-1] if lines else ""
    return f"{Path(crash.path).name}:{crash.lineno}: {crash.message.splitlines()[0]}"


class Seen:
    """What the probes of this process and of its children have seen since `take`."""

    def __init__(self, path: str) -> None:
        self.file = open(path, encoding="utf-8")  # noqa: SIM115
        self.here = builtins.__dict__.setdefault("__seen__", set())
        _watch_caches(self.here)

    def take(self) -> set[str]:
        """All since the last call; begin anew."""
        found = set(self.here) | set(self.file.read().split())
        self.here.clear()
        return found

    def add(self, names: set[str]) -> None:
        """Seen as if called now."""
        self.here |= names


def _watch_caches(seen: set[str]) -> None:
    """A hit of a cache counts as a call of all that its misses have called."""
    real = functools.lru_cache

    def lru_cache(maxsize=128, typed=False):
        if callable(maxsize):
            return watched(maxsize, real(maxsize))
        return lambda function: watched(function, real(maxsize, typed)(function))

    def watched(function, cached):
        behind: set[str] = set()

        def noting(*args, **kwargs):
            before = set(seen)
            seen.clear()
            try:
                return function(*args, **kwargs)
            finally:
                behind.update(seen)
                seen.update(before)

        inner = real(**cached.cache_parameters())(noting)

        @functools.wraps(function)
        def outer(*args, **kwargs):
            try:
                return inner(*args, **kwargs)
            finally:
                seen.update(behind)

        for name in ("cache_info", "cache_clear", "cache_parameters"):
            setattr(outer, name, getattr(inner, name))
        return outer

    functools.lru_cache = lru_cache
    functools.cache = lambda function: lru_cache(maxsize=None)(function)
