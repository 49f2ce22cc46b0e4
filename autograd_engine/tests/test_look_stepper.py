"""The stepper: its steps are the backward pass, and its page is one file."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from src.look import stepper
from src.look.nodes import number
from src.look.read_graph import read_graph
from src.look.steps import backward_steps
from src.scalar import MLP, Scalar, topological_order
from src.scalar.train import mean_log_loss


def expression() -> tuple[list[Scalar], Scalar]:
    leaves = [Scalar(v, n) for v, n in ((0.3, "a"), (-1.7, "b"), (2.9, "c"))]
    a, b, c = leaves
    d = a * b + c / 3
    return leaves, (d * d.tanh() + d * a).exp() - a**2 * b


def perceptron() -> tuple[list[Scalar], Scalar]:
    model = MLP(2, [3, 1], "tanh", seed=1)
    return list(model.parameters()), mean_log_loss(model, *stepper.XOR)


@pytest.mark.spec("AGE-091", "end at the gradients of `backward`, bit for bit")
@pytest.mark.parametrize("make", [expression, perceptron])
def test_the_steps_leave_the_gradients_of_backward(make):
    leaves, root = make()
    backward_steps(root)
    expected, other = make()
    other.backward()
    assert [x.grad for x in leaves] == [x.grad for x in expected]
    pairs = zip(topological_order(root), topological_order(other), strict=True)
    assert all(x.grad == y.grad for x, y in pairs)


@pytest.mark.spec("AGE-091", "visit each operation once, after all that use it")
def test_each_operation_is_visited_once_after_its_users():
    _, root = perceptron()
    nodes = read_graph(root)
    visits = [s.node for s in backward_steps(root) if s.done]
    assert sorted(visits) == [i for i, n in enumerate(nodes) if n.parents]
    when = {node: k for k, node in enumerate(visits)}
    for i, node in enumerate(nodes):
        for parent in node.parents:
            if parent in when:
                assert when[i] < when[parent]


def test_the_last_text_of_each_gradient_is_its_value():
    leaves, root = expression()
    steps = backward_steps(root)
    shown = {}
    for step in steps:
        shown.update(step.texts)
    for i, node in enumerate(topological_order(root)):
        assert shown[f"n{i}r1"] == number(node.grad)
    first = next(s for s in steps if any("(1/" in t for t in s.texts.values()))
    assert first.arrows  # a part that waits for others says how many there are


def test_a_step_says_rule_numbers_and_sum():
    a, b = Scalar(2.0, "a"), Scalar(-3.0, "b")
    step = backward_steps(a * b)[-1]
    assert step.head == "Visit [*] of value −6"
    assert step.lines == [
        "rule: y = a · b",
        "incoming gradient: 1",
        "a:  0 + −3 · 1 = −3      local gradient: b = −3",
        "b:  0 + 2 · 1 = 2      local gradient: a = 2",
    ]
    assert step.arrows == ["e0-0", "e0-1"]


class Page(HTMLParser):
    """The ids of a page, and every address that it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href"):
                self.loads.append(value)


@pytest.mark.spec("AGE-091", "one HTML file without network")
def test_the_page_is_whole_and_loads_nothing(tmp_path, capsys):
    path = tmp_path / "stepper.html"
    assert stepper.main(["-o", str(path)]) == 0
    text = path.read_text("utf-8")
    page = Page()
    page.feed(text)
    assert not page.loads and "import(" not in text and "fetch(" not in text
    assert len(page.ids) == len(set(page.ids))
    data = json.loads(re.search(r"^const scenes = (.*);$", text, re.M).group(1))
    for number_of, steps in enumerate(data, 1):
        prefix = f"s{number_of}"
        for step in steps:
            for name in (*step["texts"], *step["arrows"], f"n{step['node']}"):
                assert prefix + name in page.ids
    assert "arrow keys step" in capsys.readouterr().out


def test_the_training_step_of_xor_lowers_the_loss_and_keeps_the_weights():
    shown = stepper.xor_step()
    heads = [step.head for step in shown.steps]
    before, after = re.findall(r"\d\.\d+", heads[-2])
    assert float(after) < float(before)
    assert heads[-3].startswith("Update") and heads[-1].startswith("zero_grad")


def test_a_name_cannot_leave_the_script(tmp_path):
    evil = Scalar(1.0, "</script><b>")
    stepper.write_stepper([stepper.scene(evil * 2, "t", ids="s1")], tmp_path / "s.html")
    assert (tmp_path / "s.html").read_text("utf-8").count("</script>") == 1


DRIVE = """<script>
const press = key => document.dispatchEvent(new KeyboardEvent("keydown", {key}));
const seen = [];
for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home"]) {
  press(key);
  seen.push(step);
}
get("next").click();
seen.push(step);
document.querySelectorAll(".tab")[1].click();
press("End");
seen.push(scene, get("s2n0r1").textContent);
document.title = "DRIVEN " + seen.join(" ");
</script>"""  # noqa: E501


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_keys_and_buttons_step_in_a_browser(tmp_path):
    path = tmp_path / "stepper.html"
    stepper.main(["-o", str(path)])
    text = path.read_text("utf-8").replace("</body>", DRIVE + "</body>")
    path.write_text(text, "utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
               f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
               path.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    title = re.search(r"<title>DRIVEN (.*?)</title>", done.stdout)
    assert title, done.stderr[-2000:]
    assert title.group(1) == "1 2 1 7 7 0 1 2 1"
