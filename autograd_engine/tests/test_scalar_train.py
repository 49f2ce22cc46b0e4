"""The training loop of level 1, and its command."""

import math

import pytest

from src.data.points import make_points
from src.scalar import MLP, Scalar
from src.scalar.train import log_loss, main, mean_log_loss, train


@pytest.mark.spec("AGE-009", "simple, diag, split, xor and circle")
@pytest.mark.parametrize(
    ("name", "epochs"),
    [("simple", 40), ("diag", 40), ("split", 100), ("xor", 100), ("circle", 100)],
)
def test_the_point_sets_are_solved(name, epochs):
    points, labels = make_points(name, 50, 0)

    result = train(points.tolist(), labels.tolist(), epochs=epochs)

    assert result.accuracy >= 0.98
    assert len(result.losses) == epochs
    assert result.losses[-1] < 0.25 * result.losses[0]


def test_the_same_seed_gives_the_same_losses():
    points, labels = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1]

    first, again, other = (
        train(points, labels, epochs=3, batch=2, seed=seed).losses for seed in (1, 1, 2)
    )

    assert first == again != other


def test_two_steps_are_plain_gradient_descent():
    points, labels = [[0.5, -1.0], [1.5, 0.25]], [0, 1]
    model, losses = MLP(2, [4, 4, 1], seed=3), []
    for step in (0.3, 0.15):
        model.zero_grad()
        loss = mean_log_loss(model, points, labels)
        loss.backward()
        losses.append(loss.data)
        for parameter in model.parameters():
            parameter.data -= step * parameter.grad

    result = train(points, labels, hidden=4, rate=0.3, epochs=2, batch=2, seed=3)

    trained = [p.data for p in result.model.parameters()]
    expected = [p.data for p in model.parameters()]
    assert trained == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert result.losses == pytest.approx(losses, rel=1e-12)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("z", [-1000.0, -2.0, 0.0, 3.0, 1000.0])
def test_the_log_loss_is_stable(z, label):
    logit = Scalar(z)
    loss = log_loss(logit, label)
    loss.backward()

    sign = -1 if label == 1 else 1
    expected = math.log1p(math.exp(sign * z)) if abs(z) < 100 else max(sign * z, 0.0)
    assert loss.data == pytest.approx(expected, rel=1e-12)
    assert logit.grad == pytest.approx(logit.sigmoid().data - label, abs=1e-15)


def test_wrong_labels_and_lengths_are_refused():
    with pytest.raises(ValueError, match="2 points and 1 labels"):
        train([[0.0], [1.0]], [1])
    with pytest.raises(ValueError, match="0 points and 0 labels"):
        train([], [])
    with pytest.raises(ValueError, match="label 1 is -1; labels are 0 and 1"):
        train([[0.0], [1.0]], [1, -1])
    with pytest.raises(ValueError, match="epochs is 0"):
        train([[0.0], [1.0]], [1, 0], epochs=0)


def test_the_command_prints_the_loss_and_the_accuracy(capsys):
    assert (
        main(["--points", "diag", "--n", "20", "--hidden", "4", "--epochs", "20"]) == 0
    )

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch     1  loss ")
    assert lines[-2].startswith("epoch    20  loss ")
    assert lines[-1].endswith("of 20 points right")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--points", "heart"], "invalid choice: 'heart'"),
        (["--epochs", "0"], "0 is not at least 1"),
        (["--n", "many"], "invalid"),
        (["--points", "spiral", "--n", "51"], "n is 51; spiral needs an even number"),
        (["--rate", "-1"], "-1 is not a positive number"),
        (["--rate", "nan"], "nan is not a positive number"),
    ],
)
def test_the_command_refuses_bad_input_with_exit_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert words in capsys.readouterr().err
