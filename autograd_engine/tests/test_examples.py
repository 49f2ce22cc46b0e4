"""The programs of `examples` run, and what they print is right."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import src as ag


EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str, capsys) -> str:
    """What the example prints; run here, since starting Python costs most."""
    path = list(sys.path)
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    sys.path[:] = path
    return capsys.readouterr().out


def load(name: str) -> dict:
    path = list(sys.path)
    names = runpy.run_path(str(EXAMPLES / name), run_name="example")
    sys.path[:] = path
    return names


def numbers(line: str) -> list[float]:
    return [
        float(x) for x in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", line.split("=")[-1])
    ]


def recursion(a):
    b = a + a
    return b + b


def broadcast(bias):
    rows = torch.arange(12.0, dtype=torch.float64).reshape(4, 3) / 10
    return ((rows + bias) ** 2).sum()


def shared(b):
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    return ((a + b) + a * 3).sum()


BROKEN = {  # file -> the function, where, and the wrong gradient
    "01_recursion.py": (recursion, 3.0, [6.0]),
    "02_overwriting.py": (lambda x: x * x, 3.0, [3.0]),
    "03_no_unbroadcast.py": (broadcast, [1.0, 2.0, 3.0], [2.9, 5.1, 7.3]),
    "04_aliased_buffers.py": (shared, [3.0, 4.0], [4.0, 4.0]),
}


@pytest.mark.spec("AGE-093", "a wrong result, why, and the right one, which is torch's")
@pytest.mark.parametrize("name", BROKEN)
def test_the_wrong_gradient_is_wrong_and_the_right_one_torchs(name, capsys):
    function, where, wrong = BROKEN[name]
    x = torch.tensor(where, dtype=torch.float64, requires_grad=True)
    function(x).backward()
    first, why, last = run(f"break_it/{name}", capsys).splitlines()
    assert first.startswith("wrong: ") and why.startswith("why:   ")
    assert last.startswith("right: ")
    assert numbers(first) == wrong
    assert numbers(last) == pytest.approx(np.atleast_1d(x.grad.numpy()), abs=1e-9)
    assert numbers(last) != wrong


@pytest.mark.spec("AGE-093", "Each script of `examples/break_it`")
def test_descent_without_zero_grad_is_that_of_torch(capsys):
    ends = []
    for zero in (False, True):
        x = torch.zeros((), dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([x], lr=0.1)
        for _ in range(20):
            if zero:
                optimizer.zero_grad()
            ((x - 3) ** 2).backward()
            optimizer.step()
        ends.append(x.item())
    wrong, _, right = run("break_it/05_missing_zero_grad.py", capsys).splitlines()
    assert numbers(wrong) == pytest.approx(ends[:1], abs=1e-6)
    assert numbers(right) == pytest.approx(ends[1:], abs=1e-6)
    assert abs(ends[0] - 3) > 50 * abs(ends[1] - 3)


def test_the_recursive_sort_fails_and_the_loop_does_not(capsys):
    wrong, why, right = run("break_it/06_deep_recursion.py", capsys).splitlines()
    assert wrong == "wrong: RecursionError and no gradient"
    assert why.startswith("why:   one call a node")
    assert numbers(right) == [5000.0]


def test_every_script_of_break_it_is_tested():
    found = {path.name for path in (EXAMPLES / "break_it").glob("*.py")}
    assert found == {*BROKEN, "05_missing_zero_grad.py", "06_deep_recursion.py"}


@pytest.mark.spec("AGE-093", "a Hessian-vector product equals the one of the explicit")
def test_hessian_vector_products_are_those_of_the_hessian(capsys):
    example = load("hessian_vector.py")
    rng = np.random.default_rng(1)
    values, vector = rng.normal(size=9), rng.normal(size=9)
    x = ag.tensor(values, requires_grad=True)
    product = example["hessian_vector"](example["rosenbrock"], x, ag.tensor(vector))
    theirs = torch.autograd.functional.hvp(
        example["rosenbrock"], torch.tensor(values), torch.tensor(vector)
    )[1]
    np.testing.assert_allclose(product.numpy(), theirs, rtol=1e-12, atol=1e-10)
    rows = example["hessian"](example["rosenbrock"], x)
    np.testing.assert_allclose(rows, example["exact"](values), rtol=1e-12, atol=1e-10)
    printed = run("hessian_vector.py", capsys).splitlines()
    assert all(float(line.split()[-1]) < 1e-11 for line in printed[2:])


@pytest.mark.spec("AGE-093", "Newton's method converges in eight steps")
def test_newton_converges_quadratically_to_the_minimum():
    example = load("newton.py")
    history = example["newton"](8)
    lengths = [length for _, length in history]
    assert lengths[-1] < 1e-14
    assert lengths[5] < 10 * lengths[4] ** 2 and lengths[6] < 10 * lengths[5] ** 2
    assert sorted(lengths, reverse=True) == lengths
    x, signs = (torch.tensor(t.data) for t in example["problem"]())
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=200, tolerance_grad=1e-12)

    def closure():
        optimizer.zero_grad()
        value = example["loss"](w, x, signs)
        value.backward()
        return value

    optimizer.step(closure)
    assert history[-1][0] == pytest.approx(closure().item(), abs=1e-12)


def test_forces_are_minus_the_differences_of_the_energy():
    example = load("physics.py")
    places = np.array([[0.0, 0.1], [1.2, 0.0], [0.5, 0.9]])
    force, _ = example["force"](places)
    for index in np.ndindex(places.shape):
        moved = [places.copy(), places.copy()]
        moved[0][index] -= 1e-6
        moved[1][index] += 1e-6
        low, high = (example["force"](each)[1] for each in moved)
        assert force[index] == pytest.approx((low - high) / 2e-6, abs=1e-6)
    history = example["simulate"](steps=60)
    assert np.ptp(history) < 1e-3 * abs(history[0])


def test_an_own_function_passes_its_check_and_a_wrong_one_does_not(capsys):
    lines = run("own_function.py", capsys).splitlines()
    assert [line.split()[-1] for line in lines[:2]] == ["True", "True"]
    assert "ratio 0.5" in lines[2]
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.silu(x).sum().backward()
    ours = ag.tensor(x.detach().numpy(), requires_grad=True)
    load("own_function.py")["Swish"].apply(ours).sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), x.grad.numpy(), rtol=1e-12)


def test_hooks_see_and_change_gradients(capsys):
    lines = run("hooks.py", capsys).splitlines()
    slopes = 3 * (1 - np.tanh([3.0, 6.0]) ** 2)
    assert numbers(lines[1].partition(":")[2]) == pytest.approx(slopes, abs=1e-6)
    assert numbers(lines[2].partition(":")[2]) == [2000.0**2 + 4000.0**2]
    assert numbers(lines[3].partition(":")[2]) == [1000.0, 1000.0]


def test_checkpointing_keeps_the_gradients_and_saves_memory(capsys):
    plain, saved, same = run("checkpointing.py", capsys).splitlines()
    assert float(saved.split()[-2]) < 0.6 * float(plain.split()[-2])
    assert same.endswith("True")


def test_an_example_starts_from_any_folder(tmp_path):
    command = [sys.executable, str(EXAMPLES / "break_it" / "02_overwriting.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "right: d(x·x)/dx = 6"


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*/*.py")))
def test_the_page_shows_what_the_script_prints(name, capsys):
    page = (EXAMPLES.parent / "docs" / "BREAK_IT.md").read_text("utf-8")
    printed = " ".join(run(f"break_it/{name}", capsys).split())
    assert printed in " ".join(page.split())


@pytest.mark.parametrize("page", ["BREAK_IT", "LEVELS", "LOOK_INSIDE", "READING"])
def test_every_file_that_a_page_names_is_there(page):
    root = EXAMPLES.parent
    text = (root / "docs" / f"{page}.md").read_text("utf-8")
    named = re.findall(r"(?:src|examples|scripts|configs|tests)/[\w/]+\.\w+", text)
    named += [f"docs/{name}" for name in re.findall(r"\]\(([\w/.]+)\)", text)]
    named += [n.replace(".", "/") + ".py" for n in re.findall(r"-m (src[\w.]+)", text)]
    assert named and not [name for name in named if not (root / name).exists()]
