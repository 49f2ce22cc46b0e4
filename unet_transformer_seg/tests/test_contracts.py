# pattern: tests/test_contracts.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_contracts.py --from <sub-project>
"""docs/CONTRACTS.md says what the code says, and the code does what the document says."""

import importlib
import pkgutil
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import src
from src.utils.contracts import REGISTRY, ContractError
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
    assert possible, f"{entry.where}: no sizes fulfil {entry.rule}"
    optional = [name for name, cell in entry.rows.items() if cell.endswith("| None")]
    optional = [name for name in optional if name in entry.arguments()]
    missing = st.sets(st.sampled_from(optional)) if optional else st.just(set())

    @settings(max_examples=6)
    @given(sizes=st.sampled_from(possible), missing=missing)
    def run(sizes, missing):
        fill.seed(0)
        sizes = dict(sizes)
        values = fill.arguments_for(entry, sizes)
        values |= {name: None for name in missing if name not in entry.given}
        out = fill.callable_of(entry, sizes)(**values)
        for row, hint in entry.results().items():
            part = eval(row, {"returns": out})
            assert (fill.misfit(hint, part, sizes) or "") == "", f"{row} with {sizes}"

    run()


@pytest.mark.parametrize("entry", KNOWN)
def test_each_wrong_axis_rank_and_dtype_is_refused_by_name(entry):
    fill.seed(0)
    sizes = random.Random(0).choice(fill.possible_sizes(entry))
    values = fill.arguments_for(entry, sizes)
    call = fill.callable_of(entry, sizes)
    name = CODE[entry.name].__qualname__
    for what, argument, wrong in fill.wrong_values(entry, values):
        with pytest.raises(ContractError) as error:
            call(**values | {argument: wrong})
            pytest.fail(f"{entry.where}: {name} takes a wrong `{argument}` ({what})")
        assert str(error.value).startswith(f"{name} got a wrong `{argument}`\n"), what
