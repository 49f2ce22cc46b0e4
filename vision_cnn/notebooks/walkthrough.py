# %% [markdown]
# # Classification, from one convolution to what a network looks at
#
# An image gets a class. You write a convolution out, build a residual network from its
# parts, train it in seconds, judge it, and ask it why. All comes from `src`; nothing is
# downloaded, nothing written.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F


sys.path.insert(0, str(Path.cwd().parent))  # Jupyter starts in notebooks/
sys.path.insert(0, str(Path.cwd()))  # Python in the folder above

from src.data import AugmentConfig, DataConfig, ToyConfig, build_datasets
from src.explain.embedding import pca
from src.explain.feature_maps import feature_maps
from src.explain.grad_cam import grad_cam, upsample
from src.explain.gradients import integrated_gradients, saliency
from src.explain.occlusion import occlusion
from src.explain.tsne import tsne
from src.metrics import (
    accuracy,
    calibration_bins,
    confusion_matrix,
    ece,
    wilson_interval,
)
from src.models.conv2d import conv2d, patches
from src.models.fast_cnn import FastCNN
from src.models.resnet import BasicBlock
from src.training.muon import build_muon
from src.training.optim import OptimConfig


# %matplotlib inline

torch.set_num_threads(1)
torch.manual_seed(0)


def shape(x):
    return " x ".join(map(str, x.shape))


def panels(pictures, titles=(), columns=8, **options):
    """Pictures in rows of `columns`, each with its title."""
    rows = len(pictures) // columns
    figure = plt.figure(figsize=(1.5 * columns, 1.65 * rows), layout="constrained")
    for place, picture in enumerate(pictures):
        axis = figure.add_subplot(rows, columns, place + 1)
        axis.imshow(picture.detach().numpy(), **options)
        axis.set_title(titles[place] if titles else "", fontsize=9)
        axis.set_axis_off()
    plt.show()


# %% [markdown]
# ## 1. The data
# Stripes, checks, blobs and rings. Place, turn, period and colours are random, so that
# all classes have the same mean image: a linear model gets at most 40 % right.

# %%
toy = ToyConfig(n_train=1600, n_val=300)
data = build_datasets(DataConfig(toy=toy), AugmentConfig(flip="random"), seed=0)
info = data["train"].info


def batch(split, indices, epoch=0):
    """Images and classes of a split, augmented as in this epoch."""
    rows = data[split].__getitems__([(epoch, int(i)) for i in indices])
    return rows["image"], rows["target"]


def looks(images):
    """Normalised images as they are seen: mean and deviation put back."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (info.mean, info.std))
    return list((images * std + mean).clamp(0, 1).permute(0, 2, 3, 1))


images, targets = batch("train", range(16))
print("images", shape(images), "classes", info.class_names)
panels(looks(images), [info.class_names[t] for t in targets])

# %% [markdown]
# ## 2. A convolution
# Every patch is a column of $X$, every kernel a row of $W$: then $Y = WX + b$. The
# patches are a view of the image; nothing is copied.

# %%
image = images[:1]
weight, bias = torch.randn(8, 3, 3, 3), torch.randn(8)
X = patches(image, (3, 3), (1, 1), (1, 1))
print("patches", shape(X), "share memory:", X.data_ptr() == image.data_ptr())
Y = weight.flatten(1) @ X.reshape(1, 27, -1) + bias[:, None]
print("Y      ", shape(Y.view(1, 8, 30, 30)))
ours, torchs = conv2d(image, weight, bias), F.conv2d(image, weight, bias)
for name, value in [("W X + b", Y.view_as(torchs)), ("conv2d", ours)]:
    print(f"{name}: off by {(value - torchs).abs().max().item():.0e}")

# %% [markdown]
# Its derivative is as short: $dW = dY\,X^\top$, $db = \sum dY$, and $dX = W^\top dY$,
# each entry added where it was read. A kernel answers to patches that look like it.

# %%
dY = torch.randn_like(torchs)
weight.requires_grad_()
(grad,) = torch.autograd.grad(conv2d(image, weight, bias), weight, dY)
by_hand = dY.reshape(8, -1) @ X.detach().reshape(27, -1).T
print(f"dW by hand: off by {(grad.flatten(1) - by_hand).abs().max().item():.0e}")
red = images[:4, :1]
upright = torch.tensor([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]])
edges = [*red[:, 0], *conv2d(red, upright)[:, 0], *conv2d(red, upright.mT)[:, 0]]
panels(
    edges, ["red channel"] * 4 + ["side edges"] * 4 + ["top edges"] * 4, 4, cmap="gray"
)

# %% [markdown]
# ## 3. Networks
# A residual block learns what to add to its input, $y = \mathrm{relu}(F(x) + x)$, so
# that a hundred of them train. Where sides halve, a 1x1 convolution fits the shortcut.

# %%
x = torch.randn(1, 16, 32, 32)
block = BasicBlock(16, 32, stride=2)
print("x", shape(x), " F(x)", shape(block.residual(x)), " y", shape(block(x)))

# %% [markdown]
# For seconds there is a smaller network. Its first layer is computed, not learned:
# filters that make the answers to image patches uncorrelated, each with both signs.

# %%
net = FastCNN(3, 4, widths=(16, 32, 64))
net.initialise_from(batch("train", range(500))[0])
kernels = net.whiten.weight.movedim(1, 3)
panels(list(kernels[:8] / kernels.abs().amax() / 2 + 0.5))
x = F.gelu(net.whiten(image))
for group in net.groups:
    x = group(x)
    print("group ", shape(x))
print("embed ", shape(net.embed(image)), "the maximum of each channel")
print("logits", shape(net(image)))

# %% [markdown]
# ## 4. Training
# Cross entropy with smoothed labels, $-\sum_c q_c \log p_c$, where $q$ is 0.95 for the
# true class plus $0.05 / C$ for each: no logit grows without end. Muon replaces the
# singular values of a kernel's update by ones, so that all directions move alike.

# %%
val_images, val_targets = batch("val", range(300))
steps = 3 * 1600 // 50
optimiser = build_muon(OptimConfig(name="muon", lr=0.1, momentum=0.6), net)
schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
losses, scores = [], []
for epoch in range(3):
    for chosen in torch.randperm(1600).split(50):
        x, y = batch("train", chosen, epoch)
        loss = F.cross_entropy(net(x), y, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if len(losses) % 8 == 0:
            logits = net.eval()(val_images).detach()
            hits = (logits.argmax(1) == val_targets).float()
            scores.append((len(losses), hits.mean().item()))
            net.train()
net.eval()
_, (left, right) = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained")
left.plot(losses)
left.set(xlabel="step", title="loss of the batches", ylim=(0, None))
right.plot(*zip(*scores, strict=True), "o-")
right.set(xlabel="step", title="accuracy on 300 unseen images")
plt.show()

# %% [markdown]
# ## 5. What to believe
# Counts first: rows are the truth, columns the answer. From 300 images an accuracy is
# known roughly (Wilson's interval). Calibration: is it right as often as it says? Below
# the images whose true class got the least, with truth and answer.

# %%
counts = confusion_matrix(logits.argmax(1), val_targets, 4)
low, high = wilson_interval(int(counts.diagonal().sum()), 300)
print(counts.tolist(), f"accuracy {accuracy(counts):.3f}, 95 % {low:.3f} to {high:.3f}")
chances = logits.softmax(1)
print(f"calibration error {ece(calibration_bins(chances, val_targets)):.3f}")
order = chances.gather(1, val_targets[:, None])[:, 0].argsort()[:8]
names = [info.class_names[t] for t in val_targets[order]]
for i, p in enumerate(chances[order]):
    names[i] += f"\n{info.class_names[p.argmax()]} {p.max():.2f}"
panels(looks(val_images[order]), names)

# %% [markdown]
# ## 6. Why
# **Saliency** is the slope of the logit, $|dS/dx|$. **Integrated gradients** add it up
# on the way from the mean colour to the image: the pixels sum to what the logit gained.
# **Grad-CAM** weighs the last maps, of 3x3 places, by their mean slope. **Occlusion**
# covers a window and looks what is lost: no gradient, so a test of the others.

# %%
chosen = torch.tensor([(val_targets == c).nonzero()[1].item() for c in range(4)])
x, y = val_images[chosen], val_targets[chosen]
added, error = integrated_gradients(net, x, y)
maps = [
    *(saliency(net, x, y), added.sum(1), upsample(grad_cam(net, x, y), 32, 32)),
    occlusion(net, x, y, window=8, stride=4),
]
print("integrated gradients miss the gain by", [f"{e:.2f}" for e in error.tolist()])
names = ("saliency", "integrated", "Grad-CAM", "occlusion")
pictures = [p for i, look in enumerate(looks(x)) for p in (look, *(m[i] for m in maps))]
panels(pictures, ["image", *names, *[""] * 15], columns=5, cmap="magma")

# %% [markdown]
# ## 7. Inside
# The strongest maps of three layers for the ring.

# %%
for name in ("whiten", "groups.0", "groups.1"):
    (found,) = feature_maps(net, x[3:], [name], limit=8)
    panels(list(found.maps), [f"{name}: {c}" for c in found.channels])

# %% [markdown]
# What the head sees of each image, in two dimensions. Principal components are the
# directions of the largest variance; t-SNE keeps neighbours together and nothing else:
# $\mathrm{KL}(P \| Q)$ over the pairs.

# %%
with torch.no_grad():
    seen = net.embed(val_images)
views = {"principal components": pca(seen).scores, "t-SNE": tsne(seen).points}
_, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for axis, (title, points) in zip(axes, views.items(), strict=True):
    for c, name in enumerate(info.class_names):
        axis.scatter(*points[val_targets == c].T.numpy(), s=8, label=name)
    axis.set(title=title, xticks=[], yticks=[])
axes[1].legend(fontsize=8)
plt.show()

# %% [markdown]
# Next: rebuild a part yourself (`docs/EXERCISES.md`), read `docs/SPEC.md` for what is
# promised, or take your own images (`scripts/check_data.py`).
