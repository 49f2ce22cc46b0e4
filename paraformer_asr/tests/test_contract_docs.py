# pattern: tests/test_contract_docs.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_contract_docs.py --from <sub-project>
"""The checks of docs/CONTRACTS.md see each way in which it and the code part."""

import sys
from types import ModuleType

import pytest

from src.utils.contracts import REGISTRY
from tests import contract_docs as docs
from tests import contract_values as fill


# local: begin
CODE = """
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from src.utils.contracts import contract


class Half(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.width, self.out = width, out
        self.layer = nn.Linear(width, out)

    @contract
    def forward(
        self, x: Float[Tensor, "batch time {self.width}"]
    ) -> Float[Tensor, "batch time//2 {self.out}"]:
        return self.layer(x[:, 1::2])


@contract
def pick(
    scores: Float[Tensor, "batch classes"],
    index: Int[Tensor, " batch"],
    weight: Float[Tensor, " classes"] | None = None,
    *,
    times: int,
) -> tuple[Float[Tensor, "batch"], list[Float[Tensor, "times *picked"]]]:
    if weight is not None:
        scores = scores * weight
    chosen = scores.gather(1, index[:, None])[:, 0]
    return chosen, [chosen.expand(times, -1)]
"""
# local: end
DOCUMENT = r"""# Parts

## `planted.Half.forward`
build: `Half(width, out)`
where: `time >= 2`
sizes: `time = 2..5`

| tensor | contract | meaning |
| --- | --- | --- |
| `x` | `Float[Tensor, "batch time width"]` | steps |
| returns | `Float[Tensor, "batch time//2 out"]` | every second step |

## `planted.pick`
given: `index = integers(0, classes)`;
  `times = times`

| tensor | contract | meaning |
| --- | --- | --- |
| `scores` | `Float[Tensor, "batch classes"]` | scores |
| `index` | `Int[Tensor, " batch"]` | classes |
| `weight` | `Float[Tensor, "classes"] \| None` | weights |
| returns[0] | `Float[Tensor, "batch"]` | what was picked |
| returns[1] | `list[Float[Tensor, "times *picked"]]` | the same again |
"""


@pytest.fixture
def problems(monkeypatch):
    """Run every check with one change, in the code if it can be made there."""

    def run(old: str = "\n", new: str = "\n", both: bool = False) -> str:
        assert old in CODE + DOCUMENT, "the change is not a change"
        before = dict(REGISTRY)
        module = ModuleType("src.planted")
        monkeypatch.setitem(sys.modules, "src.planted", module)
        exec(CODE.replace(old, new), vars(module))
        code = {name: REGISTRY.pop(name) for name in REGISTRY.keys() - before.keys()}
        text = DOCUMENT.replace(old, new) if both or old not in CODE else DOCUMENT
        entries, found = docs.read_entries(text)
        found += docs.compare(entries, code)
        for entry in entries if not found else []:
            missing = fill.optional_arguments(entry)
            try:
                fill.check_refusals(entry, code[entry.name].__qualname__)
                for sizes in fill.possible_sizes(entry)[:6]:
                    fill.check_results(entry, sizes, [])
                    fill.check_results(entry, sizes, missing)
            except Exception as error:
                found.append(str(error))
        return "\n".join(found)

    return run


def test_code_and_document_agree_before_anything_is_planted(problems):
    assert problems() == ""


FAULTS = [
    (
        '"batch time width"',
        '"batch width time"',
        "planted.Half.forward, x: the doc",
    ),
    ("scores: Float", "values: Float", "pick, values: the document says nothing"),
    ("| `x` | `Float", "| `x` | `Int", "the document says Int[Tensor"),
    ("def pick(", "def choose(", "planted.pick is not a contract in the code"),
    ("## `planted.pick`", "## `planted.gone`", "no section for planted.pick; begin"),
    ("build: `Half(width, out)`", "", "needs a line `build:` that makes its object"),
    ("  `times = times`", "", "needs a value of `times` in the line `given:`"),
    ("| `index` | `Int", "| index | Int", "has a row that cannot be read"),
    ('| `Int[Tensor, " batch"]` | classes |', "", "pick, index: the document says no"),
    (" every second step ", " ", "has a row without a meaning"),
    ("## `planted.pick`", "## `planted.Half.forward`", "has a section already at"),
    ("x[:, 1::2]", "x[:, ::2]", "Half.forward returned a wrong value"),
    ("times, -1)]", "times + 1, -1)]", "planted.pick, returns[1]: shape"),
    ("Half(width, out)", "Half(out, width)", "Half.forward with a wrong `x`"),
    (
        "Half(width, out)",
        "Half(width, out + 1)",
        "Half.forward, returns: shape",
    ),
    ("`times = times`", "`times = times + 1`", "planted.pick, returns[1]: shape"),
    (' {self.width}"', ' width"', "Half.forward with a wrong `x` (axis width"),
    ('tuple[Float[Tensor, "batch"]', 'tuple[Float[Tensor, "..."]', "pick, returns[0]"),
    ("weight is not None", "True", "NoneType"),
    ("time >= 2", "time > 5", "no sizes"),
]


@pytest.mark.parametrize("old, new, said", FAULTS)
def test_each_planted_fault_is_found(problems, old, new, said):
    assert said in problems(old, new)


def test_wrong_in_both_the_same_way_is_found_by_running(problems):
    assert "returned a wrong value" in problems("time//2", "time//3", both=True)


def test_a_new_callable_gets_a_section_to_fill_in(problems):
    text = problems("## `planted.pick`", "## `planted.gone`")
    section = text[text.index("## `planted.pick`") :]
    lines = section.splitlines()
    assert lines[1] == "given: `times = `"
    assert lines[7] == r'| `weight` | `Float[Tensor, "classes"] \| None` |  |'
