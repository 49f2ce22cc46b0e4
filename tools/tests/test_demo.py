import json

import pytest

from tests.fake import DEMO, TRAIN, call, make_ready, project, workspace


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


@pytest.mark.spec("WSP-020", "ends in one table with model, metric, value, seconds and")
def test_one_table_at_the_end(root):
    project(root, "alpha")
    make_ready(root)
    done = call(root, "demo")
    assert done.returncode == 0, done.stderr
    assert "trained in alpha" in done.stdout
    heads, line, row = done.stdout.splitlines()[-3:]
    assert heads.split() == "sub-project model metric value seconds picture".split()
    name, model, metric, value, seconds, picture = row.split()
    assert (name, model, metric, value) == ("alpha", "net", "score", "0.750")
    assert seconds.isdigit() and picture == "alpha/runs/demo/picture.png"


@pytest.mark.spec("WSP-021", "stops its sub-project, not the others")
def test_a_failed_step(root):
    demo = DEMO | {"steps": [["scripts/fail.py"], *DEMO["steps"]]}
    files = {"scripts/fail.py": "import sys\n\nsys.exit(3)\n"}
    project(root, "alpha", {"demo.json": json.dumps(demo), **files})
    project(root, "beta")
    make_ready(root)
    done = call(root, "demo")
    assert done.returncode == 1
    assert "trained in alpha" not in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[-2:]] == [
        "alpha",
        "beta",
    ]
    assert done.stderr.splitlines()[-1] == (
        "alpha: scripts/fail.py ended with exit code 3"
    )


FAULTS = {
    "no JSON": ("{", "is not JSON"),
    "a list": ("[]", "must hold exactly: metric, model, picture, steps, value"),
    "no picture": (json.dumps({k: DEMO[k] for k in DEMO if k != "picture"}), "exactly"),
    "steps are words": (json.dumps(DEMO | {"steps": ["a b"]}), "lists of words"),
    "no steps": (json.dumps(DEMO | {"steps": []}), "lists of words"),
    "value is a word": (json.dumps(DEMO | {"value": "x"}), "exactly: file, key"),
    "no such key": (
        json.dumps(DEMO | {"value": DEMO["value"] | {"key": "test.other"}}),
        "summary.json holds no number under test.other",
    ),
    "no such file": (
        json.dumps(DEMO | {"value": {"file": "runs/x.json", "key": "a"}}),
        "x.json was not written",
    ),
    "no such picture": (json.dumps(DEMO | {"picture": "runs/x.png"}), "x.png was not"),
}


@pytest.mark.spec("WSP-022", "is named in one sentence")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_demo_is_named(root, fault):
    text, words = FAULTS[fault]
    alpha = project(root, "alpha", {"demo.json": text, "scripts/train.py": TRAIN})
    make_ready(root)
    done = call(root, "demo")
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and str(alpha) in last and words in last
    assert "Traceback" not in done.stderr


@pytest.mark.spec("WSP-022", "A `demo.json` that is missing or malformed")
def test_a_missing_demo(root):
    (project(root, "alpha") / "demo.json").unlink()
    make_ready(root)
    done = call(root, "demo")
    assert done.returncode == 1
    assert "demo.json is missing" in done.stderr.splitlines()[-1]
