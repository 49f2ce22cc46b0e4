import pytest

from tests.fake import project, workspace
from tools.projects import WorkspaceError
from tools.readme_check import check


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


def fenced(*lines):
    return "# alpha\n\n```bash\n" + "\n".join(lines) + "\n```\n"


SCRIPT = """import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("-q", action="store_true")
commands = parser.add_subparsers()
commands.add_parser("sub").add_argument("--deep")
parser.parse_args()
"""
FILES = {
    "scripts/run.py": SCRIPT,
    "src/data/toy.py": SCRIPT,
    "configs/a.yaml": "# python scripts/run.py --config configs/a.yaml\na: 1\n",
}


@pytest.mark.parametrize(
    "lines",
    [
        ["python scripts/run.py --config configs/a.yaml lr=1e-3  # 3 minutes"],
        ["$ python3 scripts/run.py \\", "    --config configs/a.yaml -q"],
        ["CUDA_VISIBLE_DEVICES=0 python scripts/run.py sub --deep 3 && ls"],
        ["python -m src.data.toy --config configs/a.yaml"],
        ["torchrun --nproc-per-node 2 scripts/run.py --config=configs/a.yaml"],
        ["python scripts/run.py --config runs/latest/config.yaml | tee out.txt"],
        ["cd ../alpha", "pytest tests/test_*.py --spec"],
        ["python -m pip install -r requirements.txt"],
        ["cp -r images/ somewhere/"],
        ["python scripts/run.py --config <yours>.yaml"],
        ["python scripts/run.py -q  # 3 minutes; that's all"],
        ["python scripts/run.py 'a;b' '' | tee out.txt"],
    ],
)
def test_right_commands_pass(root, lines):
    project(root, "alpha", FILES | {"README.md": fenced(*lines)})
    assert check(root) == []


@pytest.mark.spec("WSP-060", "a missing file, script or option is found with file and")
@pytest.mark.parametrize(
    "line, words",
    [
        ("python scripts/rn.py", "scripts/rn.py does not exist"),
        ("python scripts/run.py --config configs/b.yaml", "configs/b.yaml does not"),
        ("python scripts/run.py --config config/a.yaml", "config/a.yaml does not"),
        ("python scripts/run.py --confg configs/a.yaml", "has no option --confg"),
        ("python scripts/run.py -x", "has no option -x"),
        ("python scripts/run.py sub --deeper 1", "has no option --deeper"),
        ("python -m src.data.toi --config configs/a.yaml", "there is no -m src.data"),
        ("python -m src.data.toy --debug", "-m src.data.toy has no option --debug"),
        ("torchrun --standalone scripts/run.py --sed 1", "has no option --sed"),
        ("pytest tests/smoke_*.py", "tests/smoke_*.py does not exist"),
        ("cd docs && python scripts/run.py", "scripts/run.py does not exist"),
        ("pip install -r requirement.txt && pip install -r other-requirements.txt", ""),
    ],
)
def test_a_stale_command_is_found(root, line, words):
    project(root, "alpha", FILES | {"README.md": fenced("ls", line)})
    found = check(root)
    assert found and found[0].startswith("alpha/README.md:5: ") and words in found[0]


@pytest.mark.spec("WSP-060", "of a config's first comment or of `demo.json`")
def test_commands_of_configs_and_of_the_demo(root):
    config = "# Reaches 0.9.\n# python scripts/run.py --confg configs/b.yaml\na: 1\n"
    demo = '{"model": "", "metric": "", "steps": [["scripts/run.py", "--sed"]],'
    demo += ' "value": {"file": "", "key": ""}, "picture": ""}'
    project(root, "alpha", FILES | {"configs/b.yaml": config, "demo.json": demo})
    assert check(root) == [
        "alpha/configs/b.yaml:2: scripts/run.py has no option --confg",
        "alpha/demo.json: scripts/run.py has no option --sed",
    ]


def test_a_command_that_no_shell_would_take(root):
    text = fenced("ls", "python scripts/run.py 'a")
    project(root, "alpha", FILES | {"README.md": text})
    with pytest.raises(WorkspaceError, match="alpha/README.md:5: .*No closing quot"):
        check(root)


def test_a_script_whose_help_fails(root):
    files = {"scripts/run.py": "import absent\n"}
    text = fenced("python scripts/run.py --x")
    project(root, "alpha", files | {"README.md": text})
    assert check(root) == ["alpha/README.md:4: scripts/run.py --help fails"]


@pytest.mark.spec("WSP-061", "A link of a README that leads nowhere is found")
def test_links(root):
    text = (
        "# a\n[in](src/__init__.py#x) [web](https://x.y) [top](#a)\n![p](docs/p.png)\n"
    )
    project(root, "alpha", {"README.md": text})
    assert check(root) == ["alpha/README.md:3: the link docs/p.png leads nowhere"]


def test_a_missing_readme(root):
    (project(root, "alpha") / "README.md").unlink()
    assert check(root) == ["alpha/README.md is missing"]
