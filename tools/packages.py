"""What pip calls a module, and what a requirements file asks for."""

import functools
import importlib.metadata
import re
from collections.abc import Mapping
from pathlib import Path

from tools.projects import requirement_lines


# For packages that are not installed here and so cannot tell their own names.
KNOWN = {
    "yaml": {"pyyaml"},
    "PIL": {"pillow"},
    "sklearn": {"scikit-learn"},
    "skimage": {"scikit-image"},
    "cupy": {"cupy-cuda12x", "cupy-cuda13x"},
}


def requirement_names(path: Path) -> set[str]:
    """The distributions that a requirements file asks for; none without the file."""
    return (
        {normal(line) for line in requirement_lines(path)} if path.exists() else set()
    )


def distributions(module: str) -> set[str]:
    """The names under which pip knows a module."""
    installed = _installed().get(module, ())
    return {normal(name) for name in installed} or KNOWN.get(module, {normal(module)})


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


@functools.cache
def _installed() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()
