# pattern: tests/conftest.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/conftest.py --from <sub-project>
"""Settings of every test, and `pytest --spec`: which promises of docs/SPEC.md hold."""

import json
import os
from collections import defaultdict
from pathlib import Path

import jaxtyping

# local: begin
# local: end
from tests import parity
from tests.spec import read_sentences, table


try:
    from hypothesis import HealthCheck, settings
except ImportError:  # the tests that need it say so themselves
    settings = None

# Contracts are part of what is tested, here and in the processes that tests start.
os.environ.pop("JAXTYPING_DISABLE", None)
jaxtyping.config.update("jaxtyping_disable", False)

# local: begin
import tests.signals  # noqa: E402, F401, I001
# local: end

if settings is not None:
    settings.register_profile(
        "repeatable",
        derandomize=True,
        deadline=None,
        max_examples=15,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]
OUTCOMES: dict[str, list[str]] = defaultdict(list)  # id of a sentence -> outcomes


def pytest_addoption(parser, pluginmanager):
    pluginmanager.register(parity)  # a plugin of its own, with options and hooks
    group = parser.getgroup("spec", "docs/SPEC.md")
    group.addoption(
        "--spec", action="store_true", help="print which sentences are proved"
    )
    group.addoption("--spec-json", metavar="PATH", help="write the same table as JSON")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "spec(id, words): proves the sentence of docs/SPEC.md that has these words",
    )


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in item.iter_markers("spec"):
            item.user_properties.append(("spec", mark.args[0]))


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        for name, value in report.user_properties:
            if name == "spec":
                OUTCOMES[value].append(report.outcome)


def pytest_terminal_summary(terminalreporter, config):
    path = config.getoption("--spec-json")
    if not (config.getoption("--spec") or path):
        return
    rows = table(read_sentences(ROOT / "docs" / "SPEC.md")[0], OUTCOMES)
    verified = sum(row["state"] == "verified" for row in rows)
    if path:
        content = {"project": ROOT.name, "verified": verified, "requirements": rows}
        Path(path).write_text(
            json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
    if config.getoption("--spec"):
        terminalreporter.section("docs/SPEC.md")
        ran = [row for row in rows if row["tests"]]
        for row in ran:
            line = "{id}  {state:<8}  {tests} tests  {text}".format(**row)
            terminalreporter.write_line(line, red=row["state"] == "FAILED")
        terminalreporter.write_line(f"{verified} of {len(rows)} requirements verified")
        if len(ran) < len(rows):
            terminalreporter.write_line(f"{len(rows) - len(ran)} not run")
