# %% [markdown]
# # Sequence models in an afternoon
#
# From letters to a Transformer of 2025 and a first step of reinforcement, with the same
# `src` that the scripts use. Nothing is downloaded or written, all of it is seeded.

# %%
import sys
from itertools import pairwise
from math import log
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn


sys.path.insert(0, str(Path.cwd().parent))  # Jupyter starts in notebooks/
sys.path.insert(0, str(Path.cwd()))  # Python in the folder above

from src.data.stories import figures, write_stories
from src.data.toy_tasks import SPECIALS, PairLines, Pairs, TaskConfig, alphabet
from src.data.windows import RandomWindows
from src.generation.generate import generate
from src.generation.sampling import Sampling
from src.inference.leak_check import gradients_between
from src.losses import token_loss
from src.models import ModelConfig, attention, build_model, lstm, masks, phases, rnn
from src.models.positions import rotate
from src.reasoning import advantages, objectives
from src.tokenizers import BPETokenizer, CharTokenizer
from src.training.optim import OptimConfig, build_optimizer, lr_at


torch.manual_seed(0)
torch.set_num_threads(1)
plt.rcParams |= {"figure.constrained_layout.use": True, "image.cmap": "magma"}

# %% [markdown]
# ## 1. Text becomes numbers
# A grammar writes our text. Every choice in it is even, so we know how many bits a
# story holds. No model can get below.

# %%
text, held_out = write_stories(seed=0, n=600), write_stories(seed=0, n=40, split=1)
limit = 600 * figures().bits / len(text)
print(f"{limit:.3f} bits a character\n\n{text[:300]}...")

# %% [markdown]
# Byte-pair encoding begins with the 256 bytes and joins, again and again, the pair that
# stands side by side most often. The first merges are what the language repeats.

# %%
bpe = BPETokenizer.train([text], vocab_size=456)
pieces = [piece.decode(errors="replace") for piece in bpe.token_bytes()]
print(", ".join(f"{pieces[a]!r}+{pieces[b]!r}" for a, b in bpe.merges[:12]))
for size in (256, 264, 280, 456):
    cut = BPETokenizer.from_merges(bpe.merges[: size - 256], "gpt4")
    shown = "|".join(pieces[i] for i in cut.encode("Then she met a friendly otter."))
    print(f"{size}: {len(held_out) / len(cut.encode(held_out)):.2f} a token  {shown}")

# %% [markdown]
# ## 2. A recurrence, and why it forgets
# Elman's network (1990) keeps one vector, $h_t = \tanh(W_{ih} x_t + W_{hh} h_{t-1})$.
# The gradient comes back through every $W_{hh}$ and shrinks each time. The LSTM (1997)
# adds a cell changed by sums, $c_t = f_t \cdot c_{t-1} + i_t \cdot g_t$: where $f$, the
# forget gate (2000), is near 1, the gradient passes as it is.

# %%
x = torch.randn(60, 1, 16, requires_grad=True)
plain, gated, open_gate = rnn.RNNTanh(16, 64), lstm.LSTM(16, 64), lstm.LSTM(16, 64)
nn.init.constant_(open_gate.bias_ih.data.chunk(4)[1], 5.0)
for name, cell in {"RNN": plain, "LSTM": gated, "f near 1": open_gate}.items():
    state = tuple(torch.zeros(1, 64) for _ in range(cell.states))
    for x_t in x:
        state = cell.step(cell.project(x_t), state)
    (gradient,) = torch.autograd.grad(state[0].sum(), x)
    plt.semilogy(range(59, -1, -1), gradient.norm(dim=(1, 2)), label=name)
plt.legend()
plt.gca().set(xlabel="steps back", ylabel="size of the gradient")
plt.show()

# %% [markdown]
# ## 3. Attention: look instead of remembering
# Each token asks a query, each offers a key and a value (Vaswani et al. 2017):
# $\mathrm{softmax}(Q K^\top / \sqrt d)\, V$. A causal mask hides later
# keys; RoPE turns queries and keys by their places, so that distance is what counts.


# %%
def attention_weights(q, k, mask):
    """softmax(Q K' / sqrt(d)) of the first row, by hand: (heads, time, time)."""
    scores, span = (q @ k.mT)[0] / q.shape[-1] ** 0.5, slice(0, q.shape[2])
    seen = mask.visible(span.stop, span.stop, span, span, "cpu")[0]
    return scores.masked_fill(~seen, -torch.inf).softmax(-1)


q, k, v = torch.randn(3, 1, 2, 16, 32).unbind()
mask = masks.Mask(causal=True)
weights, equation = attention_weights(q, k, mask), attention.attention_explicit
torch.testing.assert_close(weights @ v[0], equation(q, k, v, mask)[0])
plt.imshow(weights[0].numpy())
plt.gca().set(title="who looks at whom", xlabel="key", ylabel="query")
plt.show()

# %% [markdown]
# ## 4. What each era changed
# The decoder of 2025 is that of 2017 with a few words replaced. Both, and a GRU, read
# the same 154,000 characters in 2 to 3 seconds each. The loss is the mean surprise at
# the next character, in bits: a coin has 1.

# %%
for (_, old), (year, new) in pairwise(phases.PHASES.items()):
    print(year, dict(sorted(new.items() - old.items())) or "a recipe")


def train(model, data, optim, steps, batch):
    """The loss of each step in bits. This is all that training is."""
    optimizer, curve = build_optimizer(optim, model), []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr_at(optim, step, steps)
        rows = data.__getitems__([(0, step * batch + i) for i in range(batch)])
        loss = token_loss(model(rows["tokens"])[0], rows["targets"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(loss.item() / log(2))
    return torch.tensor(curve)


characters = CharTokenizer.train([text])
data = RandomWindows(characters.encode_array(text), block=128, samples=1200, seed=0)
muon, size = OptimConfig("muon", lr=0.03), {"d_model": 64, "layers": 2, "heads": 4}
recipes = {
    "2017 with AdamW": ("gpt_2017", size, OptimConfig(lr=3e-3)),
    "GRU with AdamW": ("gru", {"layers": 1, "hidden": 128}, OptimConfig(lr=0.01)),
    "2025 with Muon": ("gpt_2025", size, muon),
    "2025 without its mask": ("gpt_2025", size | {"causal": False}, muon),
}
models = {}
for name, (network, options, optim) in recipes.items():
    torch.manual_seed(0)
    config = ModelConfig(network, **options)
    models[name] = build_model(config, characters.vocab_size, context=128)
    curve = train(models[name], data, optim, steps=150, batch=8)
    print(f"{name}: {curve[-10:].mean():.2f} bits a character")
    plt.plot(range(10, 151), curve.unfold(0, 10, 1).mean(1), label=name)
plt.axhline(limit, color="black", linestyle=":", label="the text itself")
plt.gca().set(xlabel="step", ylabel="bits a character")
plt.legend()
plt.show()

# %% [markdown]
# With little to read recurrence is strong, and optimisers matter as much as networks.
# One seed decides nothing: `scripts/evolve.py` is the honest comparison. But one curve
# falls below the entropy of the text, which is impossible.
#
# ## 5. When a low loss is a bad sign
# Without its mask each token sees the one that it should predict. Where no entropy is
# known, look at the gradient of each logit at each input: above the diagonal it must be
# exactly zero. `scripts/leak_check.py` does that for a checkpoint.

# %%
prompt = torch.tensor([characters.encode("Once upon a time there was a ")])
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for axis, name in zip(axes, list(models)[2:], strict=True):
    gradients = gradients_between(models[name], prompt[0])
    axis.imshow(gradients.clamp(min=1e-6).log10().numpy())
    title = f"{name}:\n{int((gradients.triu(1) != 0).sum())} gradients from the future"
    axis.set(title=title, xlabel="input", ylabel="logit")
plt.show()

# %% [markdown]
# ## 6. Writing
# *Temperature* $T$ divides the logits: 0 takes the likeliest, above 1 is bolder.
# *Top-p* keeps only the likeliest tokens that together have the share $p$.

# %%
for sampling in (Sampling(0.0), Sampling(0.7), Sampling(1.5), Sampling(1.5, top_p=0.8)):
    print(f"T = {sampling.temperature}, top-p {sampling.top_p}")
    for name in list(models)[2:]:
        written = generate(models[name], prompt, 60, sampling, seed=1)[0].tolist()
        print(f"    {name}: {characters.decode(written)!r}")

# %% [markdown]
# ## 7. Looking into a head
# A task with a known answer shows best where attention looks: read letters, write them
# in reverse, `abcd;dcba`. With each letter one has to look one place further back.

# %%
task = TaskConfig("reverse", shortest=4, longest=8, symbols=8, n_train=9600)
letters, maps = CharTokenizer(alphabet(task), SPECIALS), []
torch.manual_seed(0)
config = ModelConfig("gpt_2025", d_model=48, layers=2, heads=2)
reverser = build_model(config, letters.vocab_size, 32)
train(reverser, PairLines(Pairs(task, "train", 0, letters)), muon, 300, 32)


def look(attend, given, keywords):
    """Called before a layer: what `Attention.forward` does up to the softmax."""
    qkv = attend.qkv(given[0]).unflatten(2, (-1, attend.head_dim))
    qk = rotate(attend.norm(qkv[:, :, : -attend.kv_heads]), keywords["rotation"])
    q, k = qk.transpose(1, 2).split((attend.heads, attend.kv_heads), 1)
    maps.append(attention_weights(q, k, given[1]))


reverser.blocks[1].attend.register_forward_pre_hook(look, with_kwargs=True)
line = letters.encode("<|bos|>abcdefgh<|sep|>hgfedcba", allowed_special="all")
with torch.inference_mode():
    reverser(torch.tensor([line]))
figure, axes = plt.subplots(1, 2, figsize=(8, 4))
for axis, head, number in zip(axes, maps[0], "12", strict=True):
    axis.imshow(head.numpy())
    axis.set(title=f"layer 2, head {number}", xlabel="is looked at", ylabel="looks")
    axis.set_xticks(range(18), "^abcdefgh;hgfedcba")
    axis.set_yticks(range(18), "^abcdefgh;hgfedcba")
plt.show()

# %% [markdown]
# ## 8. Learning from a verdict: GRPO on a toy
# A policy writes four letters, each from four logits. A judge gives 1 if no letter is
# smaller than the one before. Each answer is compared with its group of eight,
# $A_i = (r_i - \mathrm{mean}\, r) / \mathrm{std}\, r$, and its tokens get likelier by
# $A_i$. A group that is all right or all wrong has $A = 0$ and teaches nothing.

# %%
logits = nn.Parameter(torch.zeros(4, 4))
optimizer, history = torch.optim.Adam([logits], lr=0.1), []
scored, rule = torch.ones(64, 4).bool(), {"clip": 0.2, "normaliser": "sequence"}
for _ in range(80):
    answers = torch.multinomial(logits.detach().softmax(1), 64, replacement=True).T
    rewards = (answers.diff(dim=1) >= 0).all(1).float().view(8, 8)
    logp = logits.log_softmax(1)[torch.arange(4), answers]
    signal = advantages.grpo_advantages(rewards).flatten()
    loss, _ = objectives.policy_loss(logp, logp.detach(), signal, scored, **rule)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    variety = torch.special.entr(logits.detach().softmax(1)).sum() / log(256)
    history.append([rewards.mean(), advantages.zero_variance(rewards), variety])
plt.plot(
    torch.tensor(history), label=["reward", "groups all alike", "entropy / 8 bits"]
)
plt.legend()
plt.show()

# %% [markdown]
# The reward rises and the variety falls: of the 35 answers that the judge would take
# the policy keeps a few. Go on with `docs/EXERCISES.md`: rebuild what you have used.
