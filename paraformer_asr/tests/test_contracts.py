# pattern: tests/test_contracts.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_contracts.py --from <sub-project>
"""docs/CONTRACTS.md says what the code says, and the code does what it says."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import src
from src.utils.contracts import REGISTRY
from tests import contract_docs as docs
from tests import contract_values as fill


BROKEN = []
for module in pkgutil.walk_packages(src.__path__, "src."):
    try:
        importlib.import_module(module.name)
    except Exception as error:
        BROKEN.append(f"{module.name}: {error!r}")

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "CONTRACTS.md"
CODE = {name: f for name, f in REGISTRY.items() if f.__module__.startswith("src.")}
ENTRIES, FAULTS = docs.read_entries(DOCUMENT.read_text("utf-8"))
KNOWN = [pytest.param(entry, id=entry.name) for entry in ENTRIES if entry.name in CODE]


def test_the_document_and_the_annotations_agree():
    problems = BROKEN + FAULTS + docs.compare(ENTRIES, CODE)
    assert not problems, "\n".join([f"{len(problems)} problems:", *problems])


@pytest.mark.parametrize("entry", KNOWN)
def test_random_sizes_come_out_as_the_document_says(entry):
    possible = fill.possible_sizes(entry)
    optional = fill.optional_arguments(entry)
    some = st.sets(st.sampled_from(optional)) if optional else st.just(set())

    @settings(max_examples=6)
    @given(sizes=st.sampled_from(possible), missing=some)
    def run(sizes, missing):
        fill.check_results(entry, sizes, missing)

    run()


@pytest.mark.parametrize("entry", KNOWN)
def test_each_wrong_axis_rank_and_dtype_is_refused_by_name(entry):
    fill.check_refusals(entry, CODE[entry.name].__qualname__)


# local: begin
pytest.mark.spec("ASR-147", "each row equals the annotation")(
    test_the_document_and_the_annotations_agree
)
pytest.mark.spec("ASR-147", "random sizes come out as the document says")(
    test_random_sizes_come_out_as_the_document_says
)
pytest.mark.spec("ASR-147", "each wrong axis, rank and dtype is refused by name")(
    test_each_wrong_axis_rank_and_dtype_is_refused_by_name
)
# local: end
