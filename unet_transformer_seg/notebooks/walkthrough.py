# %% [markdown]
# # Segmentation, from one convolution to attention
#
# Every pixel of an image gets a class. You see the data, build a U-Net from its parts,
# train it in seconds, look inside, and meet a question that it cannot answer and a
# Transformer can. All comes from `src`; nothing is downloaded, nothing written.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F


sys.path.insert(0, str(Path.cwd().parent))  # Jupyter starts in notebooks/
sys.path.insert(0, str(Path.cwd()))  # Python in the folder above

from src.data.toy import ToyConfig
from src.data.toy_cue import CEILING_WITHOUT_CUE, ToyCue
from src.data.toy_shapes import ToyShapes
from src.losses import LossConfig, build_loss
from src.metrics import confusion_matrix, dice, iou
from src.models import ModelConfig, TransformerConfig, build_model
from src.models.blocks import DoubleConv, Up
from src.models.count import count_parameters
from src.utils.pictures import error_overlay, overlay


# %matplotlib inline

torch.set_num_threads(1)
torch.manual_seed(0)


def shape(x):
    return " x ".join(map(str, x.shape))


def panels(pictures, titles=(), columns=6):
    """Pictures in rows of `columns`, each with its title."""
    rows = len(pictures) // columns
    figure = plt.figure(figsize=(1.9 * columns, 2.05 * rows), layout="constrained")
    for place, picture in enumerate(pictures):
        axis = figure.add_subplot(rows, columns, place + 1)
        axis.imshow(picture.numpy())
        axis.set_title(titles[place] if titles else "", fontsize=9)
        axis.set_axis_off()
    plt.show()


# %% [markdown]
# ## 1. The data
# Discs, squares and triangles hide each other; the colour tells the class. An image is
# drawn from four numbers alone, (seed, split, epoch, index): nothing is stored, and no
# two splits share one. Above the images, below the truth as a tint; the background has
# class 0 and no tint.


# %%
def open_toy(kind, n):
    """A toy's info, `n` images with targets to train on, and 32 unseen ones."""
    config, parts = ToyConfig(n_train=n, n_val=32), []
    for split in ("train", "val"):
        data = kind(config, split, seed=0)
        rows = [data[i] for i in range(len(data))]
        pair = (torch.stack([row[k] for row in rows]) for k in ("image", "target"))
        parts.append(tuple(pair))
    return data.info, *parts


def pixels(info, images):
    """Normalised images as they look: mean and deviation put back."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (info.mean, info.std))
    return list((images * std + mean).float().clamp(0, 1))


info, train, unseen = open_toy(ToyShapes, 128)
print(info.class_names, "images", shape(train[0]), "targets", shape(train[1]))
looks = pixels(info, train[0][:6])
panels([x.permute(1, 2, 0) for x in looks] + list(map(overlay, looks, train[1])))

# %% [markdown]
# ## 2. The parts
# **Down**: two 3x3 convolutions, each with a normalisation and a ReLU, mix 5x5 pixels,
# and a maximum over 2x2 halves the sides. **Up**: a transposed convolution doubles
# them, and a skip connection brings back the edges that the halving lost.

# %%
image = train[0][:1]
skip = DoubleConv(3, 8)(image)
small = F.max_pool2d(skip, 2)
below = DoubleConv(8, 16)(small)
up = Up(cin=16, cskip=8, cout=8)
print("image  ", shape(image), "\nlevel 0", shape(skip), "\nhalved ", shape(small))
print("level 1", shape(below), "\nup     ", shape(up(below, skip)))

# %% [markdown]
# A convolution is a sum over its input channels, so that of a concatenation is a sum
# of two: $W * [a; b] = W_a * a + W_b * b$. `Up` never makes the joined copy.

# %%
large = up.enlarge(below)
joined = F.conv2d(torch.cat([skip, large], 1), up.merge.weight, padding=1)
print(f"largest difference {(joined - up.merge(skip, large)).abs().max().item():.0e}")

# %% [markdown]
# ## 3. The whole network
# Three levels down, three up, and a 1x1 convolution: a logit for each class and pixel.

# %%
net = build_model(ModelConfig(name="unet", width=8, depth=3), 3, 4)
lowest, skips = net.encode(image)
for i, level in enumerate([*skips, lowest]):
    print(f"level {i}", shape(level))
print("logits ", shape(net(image)), f"from {count_parameters(net):,} parameters")

# %% [markdown]
# ## 4. What is made small
# Cross entropy judges each pixel, $-\log p_y$. Dice judges the region of a class:
#
# $$L = 1 - \frac{1}{C}\sum_c \frac{2 I_c + s}{P_c + T_c + s}, \qquad
# I = \sum p\,t,\quad P = \sum p,\quad T = \sum t$$
#
# In it a rare class counts as much as a common one. We take the sum of the two.

# %%
for name in ("cross_entropy", "dice"):
    loss_of = build_loss(LossConfig(terms={name: 1.0}), info.class_pixels)
    loss = loss_of(torch.zeros(128, 4, 64, 64), train[1])
    print(f"{name} of a network that knows nothing: {loss:.4f}")
print(f"log 4 = {torch.tensor(4.0).log():.4f}")

# %% [markdown]
# ## 5. Training
# A batch, its loss, the gradient, a step; the rate rises and falls once.
# `scripts/train.py` adds what a long run needs: checkpoints, resuming, processes.
# Every ten steps the unseen images are scored by IoU, $tp / (tp + fp + fn)$.


# %%
@torch.no_grad()
def counts(net, images, targets):
    """The confusion matrix: rows are the truth, columns the answer."""
    answers = net.eval()(images).argmax(1)
    net.train()
    return confusion_matrix(answers, targets, net.classes)


def fit(net, info, train, unseen, steps, rate=0.01):
    """The loss of each step; (step, mean IoU of the unseen images)."""
    loss_of = build_loss(LossConfig(), info.class_pixels)
    optimiser = torch.optim.AdamW(net.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    losses, scores = [], []
    for step in range(1, steps + 1):
        chosen = torch.randint(len(train[0]), (8,))
        loss = loss_of(net(train[0][chosen]), train[1][chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 10 == 0:
            scores.append((step, iou(counts(net, *unseen)).nanmean().item()))
    return losses, scores


losses, scores = fit(net, info, train, unseen, 80)
_, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
left.plot(losses)
left.set(xlabel="step", title="loss of the batches", yscale="log")
right.plot(*zip(*scores, strict=True), "o-")
right.set(xlabel="step", title="mean IoU of 32 unseen images", ylim=(0, 1.03))
plt.show()

# %% [markdown]
# ## 6. Predictions
# Image, answer, errors (orange: too much, blue: missed, yellow: another shape's class).
# What errors there are lie at edges, where a pixel belongs to two things.

# %%
for name, score in zip(info.class_names, dice(counts(net, *unseen)), strict=True):
    print(f"{name:>10}: Dice {score:.3f}")
answers = net.eval()(unseen[0][:6]).argmax(1)
looks = pixels(info, unseen[0][:6])
errors = list(map(error_overlay, looks, answers, unseen[1]))
panels(
    [x.permute(1, 2, 0) for x in looks] + list(map(overlay, looks, answers)) + errors
)

# %% [markdown]
# ## 7. Inside
# The mean over the channels of each level: an ever larger view on an ever coarser grid.

# %%
lowest, skips = net.encode(unseen[0][2:3])
maps = [level[0].mean(0).detach() for level in (*skips, lowest)]
titles = ("image", "level 0", "level 1", "level 2", "bottleneck")
panels([looks[2].permute(1, 2, 0), *maps], titles, columns=5)

# %% [markdown]
# ## 8. A question out of reach
# The colour of a far marker, at the left edge, tells the class of all shapes. A U-Net
# of depth 2 sees 23 pixels to each side and the marker is more than 28 away: without
# it no mean IoU exceeds 5/9. A Transformer at the bottleneck lets every cell look at
# all others, $\mathrm{softmax}(QK^\top / \sqrt d)\,V$. This seed finds the marker
# early, others rest at 5/9 for longer; `configs/unet_transformer_cue.yaml` does not.

# %%
info, train, unseen = open_toy(ToyCue, 384)
transformer = TransformerConfig(layers=1, n_heads=4, grid=16)
plt.figure(figsize=(6, 2.8), layout="constrained")
nets = {}
for name, kind in [("U-Net", "unet"), ("with a Transformer", "unet_transformer")]:
    torch.manual_seed(0)
    net = build_model(ModelConfig(kind, 8, 2, transformer=transformer), 3, 3)
    _, scores = fit(net, info, train, unseen, 110)
    plt.plot(*zip(*scores, strict=True), "o-", label=name)
    nets[name] = net
plt.axhline(CEILING_WITHOUT_CUE, color="0.5", linestyle="--", label="5/9")
plt.xlabel("step")
plt.title("mean IoU of 32 unseen images")
plt.legend()
plt.show()

# %% [markdown]
# Where does the answer at one pixel come from? The gradient of its logit by the image
# ends near it in the U-Net. With the Transformer it reaches the marker, and there the
# attention of the pixel's cell is.

# %%
image, (row, column) = unseen[0][:1], unseen[1][0].nonzero()[40].tolist()
maps = []
for net in nets.values():
    x = image.clone().requires_grad_()
    net.eval()(x)[0, 1, row, column].backward()
    maps.append(x.grad[0].abs().sum(0).log10().clamp(-6))
token = row // 4 * 16 + column // 4  # a cell is 4 x 4 pixels
maps.append(net.attention_maps(image)[0, 0].mean(0)[token].view(16, 16).detach())
answer = overlay(*pixels(info, image), net(image)[0].argmax(0))
titles = ["answer, as a tint", *(f"gradient, {name}" for name in nets), "attention"]
panels([answer, *maps], titles, columns=4)

# %% [markdown]
# Next: rebuild a part yourself (`docs/EXERCISES.md`), read `docs/SPEC.md` for what is
# promised, or take your own images (`scripts/check_data.py`).
