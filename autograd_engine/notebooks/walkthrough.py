# %% [markdown]
# # Differentiation, from one number to a GPT
#
# A number remembers how it was made; that is all of it. You see gradients flow through
# a graph, find the same rules on strided memory, check them against differences, and
# train points, digits and a small GPT. No torch; nothing is downloaded or written.

# %%
import math
import sys

import matplotlib.pyplot as plt
import numpy as np


sys.path.insert(0, "..")  # Jupyter starts in notebooks/
sys.path.insert(0, ".")  # Python in the folder above

import src as ag
from src import functional as F
from src import nn, strided
from src.data.points import make_points
from src.data.toy_digits import toy_digits
from src.models.gpt import GPT
from src.scalar import Scalar
from src.scalar.autodiff import central_difference, topological_order
from src.scalar.train import train


# %matplotlib inline


def curves(title, x_label="step", **series):
    """One line for each series."""
    plt.figure(figsize=(6, 2.6), layout="constrained")
    for values in series.values():
        plt.plot(values)
    plt.title(title, fontsize=10)
    plt.xlabel(x_label)
    plt.legend(list(series), frameon=False)
    plt.show()


def descend(model, lr, steps, loss_of_step):
    """Train by AdamW; the losses, which `loss_of_step` gives step by step."""
    optimizer = ag.optim.AdamW(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        loss = loss_of_step(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def plane(ask, points, labels, title, axis):
    """What `ask` answers over the unit square, and the points it was asked to learn."""
    side = np.linspace(-0.05, 1.05, 45)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    answers = np.asarray(ask(grid)).reshape(45, 45)
    ink = {"levels": [-1e9, 0, 1e9], "colors": ["C0", "C1"], "alpha": 0.25}
    axis.contourf(side, side, answers, **ink)
    axis.scatter(*points.T, c=[f"C{label}" for label in labels], s=14)
    axis.set(title=title, xticks=[], yticks=[], aspect="equal")


# %% [markdown]
# ## 1. A number that remembers
# Each operation keeps its inputs and its local derivatives. `backward` goes through the
# nodes in topological order, users before what they use, and adds to each input
# $x' \leftarrow x' + y'\, \partial y/\partial x$, a prime for the gradient of the loss.

# %%
a, b, c = Scalar(2.0, "a"), Scalar(-3.0, "b"), Scalar(10.0, "c")
loss = (a * b + c).tanh() + a**2
loss.backward()
print("order: ", ", ".join(node.name or node.op for node in topological_order(loss)))
print(f"loss {loss.data:.4f}   a.grad {a.grad:.4f}   b.grad {b.grad:.4f}")

# %% [markdown]
# Who uses a number twice gives it two gradients: they add up. A topological order makes
# that right; a walk that hands on `h` after its first user would use half of its own.

# %%
x = Scalar(1.5, "x")
h = x * x
y = h * h + h
y.backward()
print("(2h + 1) 2x =", (2 * h.data + 1) * 2 * x.data, "  x.grad =", x.grad)

# %% [markdown]
# ## 2. Is a gradient right?
# $f'(x) \approx \frac{f(x+h) - f(x-h)}{2h}$ errs by $O(h^2)$ until rounding, which
# grows as $1/h$, takes over: the best $h$ is near $\sqrt[3]{\epsilon}$.

# %%
steps = 10.0 ** -np.arange(1, 13)
slope = 1 - np.tanh(0.7) ** 2
errors = [abs(central_difference(math.tanh, 0.7, epsilon=h) - slope) for h in steps]
plt.figure(figsize=(6, 2.6), layout="constrained")
plt.loglog(steps, errors, "o-")
plt.axvline(np.finfo(float).eps ** (1 / 3), color="0.7")
plt.title("error of the central difference of tanh at 0.7", fontsize=10)
plt.xlabel("h")
plt.show()

# %% [markdown]
# ## 3. A network of numbers
# XOR cannot be cut by one line. A perceptron whose every weight is such a number learns
# it by gradient descent: $w \leftarrow w - \eta\,\partial L/\partial w$.

# %%
points, labels = make_points("xor", 50, seed=0)
learned = train(points.tolist(), labels.tolist(), hidden=6, rate=0.5, epochs=60)
curves("mean loss of an epoch", "epoch", xor=learned.losses)
print(f"{learned.accuracy:.0%} of the points are right")

# %% [markdown]
# ## 4. A tensor taken apart
# Memory is one line of numbers; a tensor is a shape, strides and an offset:
# position = offset + $\sum_i$ index$_i$ · stride$_i$. So a transpose moves nothing, and
# broadcasting is a stride of 0. What forward spreads, backward sums: each number of
# the row is used twice.

# %%
t = strided.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
row = strided.tensor([[10.0, 20.0, 30.0]], requires_grad=True)
for name, data in (
    ("t", t.data),
    ("t transposed", t.data.permute((1, 0))),
    ("row, as t", row.data.broadcast_to((2, 3))),
):
    print(f"{name:<13} shape {data.shape}  strides {data.strides}")

(t * row).sum().backward()
print(f"gradient of t {t.grad.tolist()}, of the row {row.grad.tolist()}")

# %% [markdown]
# ## 5. The engine to use
# The same idea on whole arrays, under PyTorch's names. A rule is a line, a layer can be
# one node with a gradient derived by hand, and `gradcheck` compares with differences.

# %%
W = ag.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)
z = ag.tensor([[0.5, -1.0, 2.0]], dtype=ag.float64, requires_grad=True)
print("gradcheck", ag.gradcheck(lambda z, W: F.softmax(z @ W, dim=1)[0, 1], (z, W)))

# %% [markdown]
# Gradients are tensors, so they can be differentiated again: $f = \sum z^3$ has the
# gradient $3z^2$ and the second derivative $6z$.

# %%
(first,) = ag.grad((z**3).sum(), z, create_graph=True)
(second,) = ag.grad(first.sum(), z)
print("3 z^2", first.detach().numpy(), "   6 z", second.numpy())

# %% [markdown]
# ## 6. The same points, all at once
# One step now takes a matrix. Two arms of a spiral need a wider network.

# %%
ag.manual_seed(0)


def fit(name):
    """Train a perceptron on a point set; points, labels and the losses of the steps."""
    points, labels = make_points(name, 200, seed=0)
    inputs, target = ag.tensor(points.astype("float32") - 0.5), ag.tensor(labels)
    first, second = nn.Linear(2, 32), nn.Linear(32, 32)
    model = nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), nn.Linear(32, 2))
    losses = descend(model, 0.01, 400, lambda _: F.cross_entropy(model(inputs), target))
    return model, points, labels, losses


figure, axes = plt.subplots(1, 3, figsize=(8, 2.8), layout="constrained")
spent = {}
for axis, name in zip(axes, ("xor", "circle", "spiral"), strict=True):
    model, points, labels, spent[name] = fit(name)

    def margin(grid, model=model):
        with ag.no_grad():
            logits = model(ag.tensor(grid.astype("float32") - 0.5)).numpy()
        return logits[:, 1] - logits[:, 0]

    plane(margin, points, labels, name, axis)
plt.show()
curves("loss", **spent)

# %% [markdown]
# ## 7. Pictures
# A convolution and pooling see the same stroke wherever it is. The digits are drawn.

# %%
images, digits = toy_digits(1200, seed=0)
pictures = ag.tensor(images[:, None].astype("float32") / 255)
answers = ag.tensor(digits)
cnn = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 10),
)  # fmt: skip


def digit_loss(step):
    some = np.arange(50 * step, 50 * step + 50) % 1000
    return F.cross_entropy(cnn(pictures[some]), answers[some])


curves("loss of a batch of digits", digits=descend(cnn, 0.01, 120, digit_loss))
with ag.no_grad():
    guesses = cnn(pictures[1000:]).argmax(dim=1).numpy()
print(f"{(guesses == digits[1000:]).mean():.1%} of 200 new digits are right")
figure, axes = plt.subplots(1, 10, figsize=(9, 1.2), layout="constrained")
for axis, image, guess in zip(axes, images[1000:], guesses, strict=False):
    axis.imshow(image, cmap="gray")
    axis.set(title=guess, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## 8. Text
# The same engine trains a GPT: pre-norm blocks, causal attention, the embedding of the
# tokens as the matrix of the logits. It learns to count, so one sees when it has.

# %%
text = " ".join(str(number) for number in range(100, 400))
letters = sorted(set(text))
tokens = np.array([letters.index(letter) for letter in text])
gpt = GPT(len(letters), block=24, d_model=32, n_heads=4, n_layers=2)
rng = np.random.default_rng(0)


def token_loss(step):
    starts = rng.integers(0, len(tokens) - 25, 16)
    windows = tokens[starts[:, None] + np.arange(25)]
    logits = gpt(ag.tensor(windows[:, :-1])).reshape(-1, len(letters))
    return F.cross_entropy(logits, ag.tensor(windows[:, 1:].reshape(-1)))


curves("loss of a token", GPT=descend(gpt, 0.01, 500, token_loss))
said = [letters.index(letter) for letter in "217 218 "]
with ag.no_grad():
    for _ in range(16):
        logits = gpt(ag.tensor(np.array([said[-24:]])))
        said.append(int(logits[0, -1].argmax().item()))
print("".join(letters[token] for token in said))

# %% [markdown]
# Where to go on: `python -m src.look.stepper` walks through a backward pass by arrow
# keys, `docs/BREAK_IT.md` shows each mistake and its wrong number, and in the workspace
# `python -m tools exercise list autograd_engine` lets you rebuild it.
