"""torch's own samples of its operations: value, gradient, and what else they show."""

import re
from pathlib import Path

import pytest
import torch

from tests.conformance import engine_operation, judge, samples_of, some_samples_of
from tests.conformance_ask import ask
from tests.conformance_probes import PROBES
from tests.conformance_table import rows
from tests.conformance_tiers import TIERS


NAMES = [name for names in TIERS.values() for name in names]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "CONFORMANCE.md"
MOST = 8  # samples of one operation here; all of them: python -m tests.conformance


@pytest.fixture(scope="module")
def verdicts():
    """Of all operations: those of up to MOST samples are judged whole."""
    return {
        name: judge(name, some_samples_of(name, MOST))
        for name in NAMES
        if engine_operation(name) is not None
    }


@pytest.mark.spec("AGE-095", "at least 95 % of torch's own samples")
def test_the_samples_of_torch_are_right_and_none_is_silently_wrong(verdicts):
    found = [v for judged in verdicts.values() for v in judged]

    assert len(verdicts) >= 300
    assert [v for v in found if v.kind in ("wrong", "failed")] == []
    assert sum(v.kind == "right" for v in found) >= 0.95 * len(found)


@pytest.mark.spec("AGE-095", "the table of `docs/CONFORMANCE.md` is the one")
def test_the_page_is_the_one_that_the_engine_has_now(verdicts):
    page = PAGE.read_text("utf-8")
    version = re.search(r"torch (\S+) \(float64\)", page)[1]
    if version != torch.__version__.split("+")[0]:
        pytest.skip(f"the page is about torch {version}")
    told = re.findall(r"\| \d \| `(\S+)` \| (\d+|-) \|", page)
    whole = {n: v for n, v in verdicts.items() if len(samples_of(n)) <= MOST}

    assert [(n, str(len(samples_of(n)))) for n in NAMES if n in verdicts] == told
    assert [row for row in rows(whole) if row not in page] == []
    assert len(whole) >= 100
    total = sum(len(samples_of(n)) for n in verdicts)
    assert (
        f"Operations present: {len(verdicts)} of {len(NAMES)}. Samples: {total};"
        in page
    )


@pytest.mark.spec("AGE-096", "of any memory order")
@pytest.mark.parametrize("question", [q for q in PROBES if "second deriv" not in q])
def test_no_sample_is_silently_wrong(question):
    found = ask(question, NAMES, 2)

    assert [v for v in found if v.kind in ("wrong", "failed")] == []
    assert sum(v.kind == "right" for v in found) >= min(100, len(found) // 2)
