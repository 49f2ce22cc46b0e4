# pattern: tests/integration_walkthrough.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/integration_walkthrough.py --from <sub-project>
"""notebooks/walkthrough.py as a notebook, executed from its first cell to its last."""

from pathlib import Path

import pytest


FOLDER = Path(__file__).parents[1] / "notebooks"
SECONDS = 240  # for one cell, on a machine that does other things too
STRICT = "# %%\nimport warnings\n\nwarnings.simplefilter('error')"
OWN_FOLDERS = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")

# local: begin
PROVES = pytest.mark.spec("AGE-112", "runs from its first cell to its last")
# local: end


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    jupytext = pytest.importorskip("jupytext")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = jupytext.read(FOLDER / "walkthrough.py")
    notebook.cells[:0] = jupytext.reads(STRICT, fmt="py:percent").cells
    there = sorted(FOLDER.rglob("*"))
    with pytest.MonkeyPatch.context() as patch:
        for name in OWN_FOLDERS:
            patch.setenv(name, str(tmp_path_factory.mktemp("jupyter")))
        patch.setenv("OMP_NUM_THREADS", "1")
        place = {"metadata": {"path": str(FOLDER)}}  # where Jupyter starts its kernel
        nbclient.NotebookClient(notebook, timeout=SECONDS, resources=place).execute()
    assert sorted(FOLDER.rglob("*")) == there, "a cell wrote beside the notebook"
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@PROVES
def test_every_cell_runs_without_a_word_on_stderr(executed):
    said = [output for cell in executed for output in cell.outputs]
    loud = [output for output in said if output.get("name") == "stderr"]
    assert all(cell.execution_count for cell in executed)
    assert not loud and not [o for o in said if o.output_type == "error"]


@PROVES
def test_the_pictures_are_in_the_notebook(executed):
    outputs = [output for cell in executed for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 3
