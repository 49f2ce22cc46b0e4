import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.projects import ROOT, find_projects


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
ACTIONLINT = shutil.which("actionlint") or shutil.which(
    "actionlint", path=str(Path(sys.executable).parent)
)


@pytest.mark.spec("WSP-070", "pass actionlint where it is installed")
@pytest.mark.skipif(not ACTIONLINT, reason="actionlint is not installed")
def test_actionlint():
    done = subprocess.run([ACTIONLINT, *WORKFLOWS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.spec("WSP-071", "from `list --json`, reads only, and cancels runs")
def test_the_matrix_comes_from_the_list_command():
    matrix = CI["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["name"] == "${{ fromJSON(needs.list.outputs.names) }}"
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert CI["jobs"]["test"]["strategy"]["fail-fast"] is False
    find = CI["jobs"]["list"]["steps"][-1]
    assert find["id"] == "find" and "tools/workspace.py list --json" in find["run"]
    assert CI["permissions"] == {"contents": "read"}
    assert CI["concurrency"]["cancel-in-progress"] is True


def test_the_output_of_list_is_one_line_that_github_can_read():
    command = [sys.executable, ROOT / "tools/workspace.py", "list", "--json"]
    said = subprocess.check_output(command, text=True)
    assert said.count("\n") == 1
    assert json.loads(said) == [path.name for path in find_projects(ROOT)]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_end_and_actions_and_commands_exist(path):
    for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        assert all(("uses" in step) != ("run" in step) for step in job["steps"]), name
        for step in job["steps"]:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
            for script in re.findall(r"[\w/]+\.py\b", step.get("run", "")):
                assert (ROOT / script).is_file()


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_issue_forms_have_what_github_asks_for(name):
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"] and form["description"]
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids)) and all(
        part["type"] in ("textarea", "dropdown", "input", "checkboxes")
        and part["attributes"]["label"]
        for part in form["body"]
    )


def test_dependabot_looks_at_every_folder():
    text = (ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8")
    updates = {u["package-ecosystem"]: u for u in yaml.safe_load(text)["updates"]}
    assert updates["pip"]["directories"] == ["/*"]
    assert updates["github-actions"]["directory"] == "/"


def test_every_sub_project_has_its_place_in_the_editor():
    """pyright cannot look for folders itself; `src` means another package in each."""
    config = json.loads((ROOT / "pyrightconfig.json").read_text(encoding="utf-8"))
    roots = {place["root"] for place in config["executionEnvironments"]}
    missing = {path.name for path in find_projects(ROOT)} - roots
    assert not missing, f"add {missing} to executionEnvironments in pyrightconfig.json"
