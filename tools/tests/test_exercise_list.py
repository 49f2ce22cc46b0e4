import pytest

from tests.exercises import EXERCISES, exercise_project
from tools.exercise_list import read_exercises
from tools.exercise_verify import LEAST
from tools.projects import ROOT, WorkspaceError, find_projects


@pytest.mark.spec("WSP-212", "is named with its line")
@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("## 2. `numbers.Point.length`", "## numbers.Point.length", ":11: '## numbers"),
        ("## 2.", "## 3.", ":11: number 3 should be 2"),
        ("requirements: ABC-004", "Pythagoras", ":11: .* has no line `requirements:"),
        ("ABC-004", "ABC-4", ":11: 'ABC-4' is not a list of different ids"),
        ("ABC-004", "ABC-004, ABC-004", ":11: 'ABC-004, ABC-004' is not a list"),
        ("Pythagoras.\n", "", ":11: numbers.Point.length has no hint"),
        ("numbers.table", "numbers.double", ":15: numbers.double is also at"),
        (EXERCISES, "# Exercises\n", "has no exercise; they begin like"),
    ],
)
def test_a_damaged_list(tmp_path, old, new, sentence):
    alpha = exercise_project(tmp_path, exercises=EXERCISES.replace(old, new))
    with pytest.raises(WorkspaceError, match="^alpha/docs/EXERCISES.md.*" + sentence):
        read_exercises(alpha)


def test_a_line_of_blanks_ends_a_hint(tmp_path):
    text = EXERCISES.replace("times.\n\nAdd", "times.\n  \nAdd")
    one = read_exercises(exercise_project(tmp_path, exercises=text))[0]
    assert one.hints == ("Two times.", "Add it to itself.")


@pytest.mark.parametrize("project", find_projects(ROOT), ids=lambda path: path.name)
def test_the_lists_of_this_workspace_can_be_read(project):
    if (project / "docs" / "EXERCISES.md").exists():
        assert len(read_exercises(project)) >= LEAST
