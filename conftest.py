"""Refuses a pytest run over several sub-projects: each has its own package `src`."""

from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    """Stop before collection when the arguments reach into two packages named `src`."""
    parts = {path.parents[1] for path in ROOT.glob("*/src/__init__.py")}
    parts.add(ROOT / "tools")
    here = config.invocation_params.dir
    given = [(here / arg.split("::")[0]).resolve() for arg in config.args]
    hit = {
        part.name
        for part in parts
        for path in given
        if path.is_relative_to(part) or part.is_relative_to(path)
    }
    if len(hit) > 1:
        raise pytest.UsageError(
            f"each sub-project is its own package src; test one: pytest {min(hit)}\n"
            "or all of them, one after another: python3 tools/workspace.py test"
        )
