# %% [markdown]
# # Sequence models in an afternoon
#
# From letters to a Transformer of 2025 and a first step of reinforcement, with the same
# `src` that the scripts use. Nothing is downloaded, everything is seeded, and all of it
# takes half a minute on one core. Run it as a notebook
# (`jupytext --to ipynb notebooks/walkthrough.py`) or read it here.

# %%
import os
import sys
from pathlib import Path


HERE = [Path.cwd(), *Path.cwd().parents]
ROOT = next(folder for folder in HERE if (folder / "src" / "tokenizers").is_dir())
sys.path.insert(0, str(ROOT))

# %%
import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from src.data.stories import figures, write_stories, write_story
from src.data.toy_tasks import SPECIALS, PairLines, Pairs, TaskConfig, alphabet
from src.data.windows import RandomWindows
from src.generation.generate import generate
from src.generation.sampling import Sampling, shares
from src.inference.leak_check import changes_behind, gradients_between
from src.losses import token_loss
from src.models import ModelConfig, build_model
from src.models.attention import attention_explicit, attention_sdpa
from src.models.lstm import LSTM
from src.models.masks import Mask
from src.models.phases import PHASES
from src.models.positions import (
    RotaryPositions,
    SinusoidalPositions,
    alibi_slopes,
    rotate,
)
from src.models.rnn import RNNTanh
from src.reasoning.advantages import grpo_advantages, zero_variance
from src.reasoning.objectives import policy_loss
from src.tokenizers import BPETokenizer, CharTokenizer
from src.training.optim import OptimConfig, build_optimizer, lr_at


torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.manual_seed(0)
plt.rcParams.update(
    {"figure.constrained_layout.use": True, "figure.dpi": 80, "image.cmap": "magma"}
)

# %% [markdown]
# ## 1. Text becomes numbers
#
# Our text is written by a grammar: every choice in it is even, so we know exactly how
# many bits a story holds. No model can get below that, and one that forgets names and
# colours from one sentence to the next pays twice as much.

# %%
text, held_out = write_stories(seed=0, n=600), write_stories(seed=0, n=40, split=1)
known = figures()
length = sum(len(write_story(0, 0, i)) + 2 for i in range(400)) / 400  # with "\n\n"
limit, forgetful = known.bits / length, known.forgetful_bits / length
print(write_story(0, 0, 0), end="\n\n")
print(f"{known.bits:.0f} bits a story, {limit:.3f} bits a character;")
print(f"{forgetful:.3f} for a reader who forgets the sentences before")

# %% [markdown]
# The smallest vocabulary has one id for each character. Byte-pair encoding begins with
# the 256 bytes and joins, again and again, the pair that stands side by side most
# often. Each merge makes one new id. Look at the first ones: they are what the language
# repeats.

# %%
bpe = BPETokenizer.train([text], vocab_size=456)
for number, (a, b) in enumerate(bpe.merges[:12]):
    left, right = (bpe.token_bytes()[part].decode() for part in (a, b))
    print(f"merge {number:2}: {left!r:>7} + {right!r:<7} -> id {256 + number}")

# %%
sizes, per_token = (256, 264, 280, 312, 376, 456), []
for size in sizes:
    cut = BPETokenizer.from_merges(bpe.merges[: size - 256], "gpt4")
    per_token.append(len(held_out) / len(cut.encode(held_out)))
    if size in (256, 280, 456):
        pieces = [cut.decode([i]) for i in cut.encode("Then she met a friendly otter.")]
        print(f"{size}: {'|'.join(pieces)}")

plt.figure(figsize=(5, 2.6))
plt.plot(sizes, per_token, "o-")
plt.xlabel("size of the vocabulary")
plt.ylabel("characters a token")
plt.title("A larger vocabulary makes shorter texts")
plt.show()

# %% [markdown]
# Losses of different tokenizers cannot be compared: a token of four characters is
# harder to guess than one character. *Bits per byte* can. From here on we take
# characters, so that a bit per character is a bit per byte.

# %% [markdown]
# ## 2. A recurrence, and why it forgets
#
# The network of Elman (1990) reads one token after another and keeps one vector:
#
# $$h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})$$
#
# `step` is this line. To learn from far away, the gradient has to come back through
# every $W_{hh}$ in between, and shrinks each time. The LSTM (1997) adds a cell that is
# changed by sums, $c_t = f_t \cdot c_{t-1} + i_t \cdot g_t$: where the forget gate $f$
# is near 1, the gradient passes as it is.


# %%
def influence(cell: nn.Module, x: Tensor) -> Tensor:
    """The size of the gradient of the last output with respect to each input."""
    x = x.clone().requires_grad_()
    state = tuple(torch.zeros(1, cell.hidden) for _ in range(cell.states))
    for x_t in x:
        state = cell.step(cell.project(x_t[None]), state)
    (grad,) = torch.autograd.grad(state[0].sum(), x)
    return grad.norm(dim=1)


torch.manual_seed(1)
x = torch.randn(60, 16)
rnn, lstm, open_lstm = RNNTanh(16, 64), LSTM(16, 64), LSTM(16, 64)
with torch.no_grad():
    open_lstm.load_state_dict(lstm.state_dict())
    open_lstm.bias_ih.chunk(4)[1].fill_(5.0)  # f = sigmoid(5 + ...) is nearly 1
plt.figure(figsize=(6, 3))
for name, cell in {
    "RNN": rnn,
    "LSTM, forget bias 1, as it begins": lstm,
    "LSTM, forget bias 5": open_lstm,
}.items():
    plt.semilogy(range(59, -1, -1), influence(cell, x), label=name)
plt.xlabel("steps back")
plt.ylabel("size of the gradient")
plt.title("What the last output knows of the inputs before it")
plt.legend()
plt.show()

# %% [markdown]
# ## 3. Attention: look instead of remembering
#
# Bahdanau et al. (2014) let a decoder look at all states of the encoder; Vaswani et
# al. (2017) kept the looking and dropped the recurrence. Each token asks a query $q$,
# each offers a key $k$ and a value $v$:
#
# $$\mathrm{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$
#
# Dividing by $\sqrt d$ keeps the scores at variance 1, however wide the heads are. A
# language model may not look ahead: the causal mask hides later keys. A window keeps
# the near ones, and packed documents do not see each other.

# %%
q, k, v = torch.randn(3, 1, 2, 16, 8).unbind()
document = (torch.arange(16) >= 6).long()[None]
masks = {
    "nothing hidden": Mask(),
    "causal": Mask(causal=True),
    "causal, window 4": Mask(causal=True, window=4),
    "causal, two documents": Mask(causal=True, document=document),
    "causal, ALiBi": Mask(causal=True, slopes=alibi_slopes(2)),
}


def attention_weights(q: Tensor, k: Tensor, mask: Mask) -> Tensor:
    """softmax(Q K' / sqrt(d)) of one row, by hand: (heads, time, total)."""
    time, total = q.shape[2], k.shape[2]
    tile = time, total, slice(0, time), slice(0, total)
    scores = (q @ k.mT)[0] / q.shape[-1] ** 0.5
    bias, seen = mask.bias(*tile, q), mask.visible(*tile, q.device)
    scores = scores if bias is None else scores + bias
    scores = scores if seen is None else scores.masked_fill(~seen[0], -torch.inf)
    return scores.softmax(-1)


figure, axes = plt.subplots(1, 5, figsize=(13, 3))
for axis, (name, mask) in zip(axes, masks.items(), strict=True):
    weights = attention_weights(q, k, mask)
    torch.testing.assert_close(weights @ v[0], attention_explicit(q, k, v, mask)[0])
    torch.testing.assert_close(weights @ v[0], attention_sdpa(q, k, v, mask)[0])
    axis.imshow(weights[0])
    axis.set_title(name, fontsize=10)
    axis.set_xlabel("key")
axes[0].set_ylabel("query")
plt.show()

# %% [markdown]
# The notebook's own weights and both of `src` give the same numbers: had they not, the
# two asserts above would have stopped it.
#
# ### Where a token stands
#
# Attention sees a set, not a sequence. In 2017 sines of many wavelengths were added to
# the embeddings. RoPE (2021) turns the pairs of each query and key by an angle that
# grows with the place, so that a score depends on the *distance* alone. ALiBi, in the
# last picture above, takes a penalty that grows with the distance.

# %%
table = SinusoidalPositions(64, 32)(slice(0, 64))
rotation = RotaryPositions(64, 32)(slice(0, 64))
one_q, one_k = torch.randn(2, 1, 1, 1, 32).expand(2, 1, 64, 1, 32)  # the same everywhere
turned = [rotate(vector, rotation)[0, :, 0] for vector in (one_q, one_k)]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
left.imshow(table.T, cmap="RdBu", aspect="auto")
left.set_title("sines and cosines added in 2017")
left.set_xlabel("place")
left.set_ylabel("number of the vector")
shown = right.imshow(turned[0] @ turned[1].T, cmap="RdBu")
right.set_title("RoPE: scores of equal vectors are\nequal along each diagonal")
right.set_xlabel("place of the key")
right.set_ylabel("place of the query")
figure.colorbar(shown)
plt.show()

# %% [markdown]
# ## 4. What each era changed
#
# The decoder of 2017 is the one of 2025 with a few words replaced. `PHASES` holds these
# words; the file `src/models/decoder.py` reads them. Here only what differs from the
# phase before:

# %%
before = {}
for year, phase in PHASES.items():
    new = {key: value for key, value in phase.items() if before.get(key) != value}
    print(year, ", ".join(f"{k}: {v}" for k, v in new.items()) or "nothing (a recipe)")
    before = phase

# %% [markdown]
# Do these words matter? Four models of about the same size read the same 154,000
# characters, each 2 to 3 seconds. The loss is the mean surprise at the right next
# character, here in bits; 1 bit is the surprise of a coin.

# %%
STEPS, BATCH, BLOCK = 150, 8, 128
characters = CharTokenizer.train([text])
ids, held_out_ids = (
    torch.from_numpy(characters.encode_array(part)) for part in (text, held_out)
)


def train(
    model: nn.Module, data, optim: OptimConfig, steps: int, batch: int
) -> list[float]:
    """The loss of each step in bits. This is all that training is."""
    optimizer, curve = build_optimizer(optim, model), []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr_at(optim, step, steps)
        keys = [(0, step * batch + i) for i in range(batch)]
        rows = data.__getitems__(keys)
        loss = token_loss(model(rows["tokens"])[0], rows["targets"])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        curve.append(loss.item() / torch.tensor(2.0).log().item())
    return curve


def language_model(name: str, optim: OptimConfig, **options) -> tuple[nn.Module, list]:
    torch.manual_seed(0)
    model = build_model(ModelConfig(name, **options), characters.vocab_size, BLOCK)
    data = RandomWindows(ids, BLOCK, STEPS * BATCH, seed=0)
    return model, train(model, data, optim, STEPS, BATCH)


small = {"d_model": 64, "layers": 2, "heads": 4}
adamw = OptimConfig("adamw", lr=3e-3)
muon = OptimConfig("muon", lr=0.03, weight_decay=0)
gru, gru_curve = language_model(
    "gru", OptimConfig("adamw", lr=1e-2), embedding=64, hidden=128, layers=1
)
old, old_curve = language_model("gpt_2017", adamw, **small)
new, new_curve = language_model("gpt_2025", adamw, **small)
best, best_curve = language_model("gpt_2025", muon, **small)

# %%
plt.figure(figsize=(7, 4))
for name, curve in {
    "Transformer of 2017": old_curve,
    "Transformer of 2025": new_curve,
    "GRU of 2014": gru_curve,
    "Transformer of 2025 with Muon": best_curve,
}.items():
    smooth = torch.tensor(curve).unfold(0, 10, 1).mean(1)
    plt.plot(range(9, STEPS), smooth, label=f"{name}: {smooth[-1]:.2f}")
plt.axhline(limit, color="black", linestyle=":")
plt.text(2, limit + 0.06, f"what no model can get below: {limit:.2f}", fontsize=9)
plt.ylim(0, 5)
plt.xlabel("step (mean of the last ten)")
plt.ylabel("bits a character")
plt.title("154,000 characters, one recipe each")
plt.legend()
plt.show()

# %% [markdown]
# With so little to read, recurrence is strong, and the optimiser matters as much as the
# network. This is one seed and no choice of rates: `scripts/evolve.py` is the honest
# comparison, and the README has its result.
#
# ## 5. Writing
#
# A model gives a distribution. *Temperature* $T$ divides the logits: $T \to 0$ always
# takes the likeliest, 1 is the model's own, above 1 is flatter. *Top-p* keeps the
# likeliest tokens that together have the share $p$.

# %%
prompt = torch.from_numpy(characters.encode_array("Once upon a time there was a ")).long()
with torch.inference_mode():
    logits = best(prompt[None])[0][:, -1]
figure, axes = plt.subplots(1, 4, figsize=(12, 2.6), sharey=True)
settings = [Sampling(t) for t in (0.5, 1.0, 2.0)] + [Sampling(2.0, top_p=0.8)]
top = logits[0].topk(10).indices
for axis, sampling in zip(axes, settings, strict=True):
    share = shares(logits, prompt[None], sampling)[0, top]
    axis.bar([repr(characters.decode([i]))[1:-1] for i in top.tolist()], share)
    cut = f", top-p {sampling.top_p}" if sampling.top_p < 1 else ""
    axis.set_title(f"T = {sampling.temperature}{cut}")
axes[0].set_ylabel("probability")
plt.show()

for sampling in (Sampling(0.0), Sampling(0.7), Sampling(1.5)):
    written = generate(best, prompt[None], 90, sampling, seed=1)[0]
    print(f"T = {sampling.temperature}: {characters.decode(written.tolist())!r}")

# %% [markdown]
# ## 6. Looking into a head
#
# Which tokens does attention look at? A task with a known answer shows it best: read
# some letters and write them in reverse, `abcd;dcba`. A perfect solver has to look one
# place further back with each letter that it writes.

# %%
task = TaskConfig("reverse", shortest=4, longest=8, symbols=8, n_train=9600, n_val=200)
letters = CharTokenizer(alphabet(task), SPECIALS)
lines, unseen = (
    PairLines(Pairs(task, split, 0, letters)) for split in ("train", "val")
)
torch.manual_seed(0)
reverser = build_model(
    ModelConfig("gpt_2025", d_model=48, layers=2, heads=2), letters.vocab_size, 32
)
train(reverser, lines, OptimConfig("muon", lr=0.02, weight_decay=0), 300, 32)
rows = unseen.__getitems__([(0, i) for i in range(200)])
with torch.inference_mode():
    guess = reverser(rows["tokens"])[0].argmax(-1)
right = ((guess == rows["targets"]) | (rows["targets"] < 0)).all(1)
print(f"{right.float().mean():.1%} of {len(right)} unseen words reversed without a fault")


# %%
def maps(model: nn.Module, tokens: Tensor) -> list[Tensor]:
    """The attention weights of each layer (heads, time, time), read by a hook."""
    found = []

    def look(attend: nn.Module, given: tuple, keywords: dict) -> None:
        heads, groups = attend.heads, attend.heads // attend.kv_heads
        qkv = attend.qkv(given[0]).unflatten(2, (-1, attend.head_dim))
        qk = rotate(attend.norm(qkv[:, :, : -attend.kv_heads]), keywords["rotation"])
        q, k = qk.transpose(1, 2).split((heads, attend.kv_heads), 1)
        found.append(attention_weights(q, k.repeat_interleave(groups, 1), given[1]))

    hooks = [
        block.attend.register_forward_pre_hook(look, with_kwargs=True)
        for block in model.blocks
    ]
    with torch.inference_mode():
        model(tokens)
    for hook in hooks:
        hook.remove()
    return found


word = "abcdefgh"
special = letters.specials
line = [special["<|bos|>"], *letters.encode(word), special["<|sep|>"]]
line += letters.encode(word[::-1])
names = ["BOS", *word, ";", *word[::-1]]
figure, axes = plt.subplots(1, 4, figsize=(14, 3.8))
layers = maps(reverser, torch.tensor([line]))
for axis, (layer, head) in zip(axes, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
    axis.imshow(layers[layer][head])
    axis.set_title(f"layer {layer + 1}, head {head + 1}")
    axis.set_xticks(range(len(names)), names, fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
axes[0].set_ylabel("reads this, to write the next")
plt.show()

# %% [markdown]
# The rows below `;` are those that write. In the second layer a bright line runs
# against the diagonal: to write the next letter, the model looks at where it stands in
# the question.
#
# ## 7. When 99 % is a bad sign
#
# The same language model as before, with `causal=False`: each token sees the one that
# it should predict.

# %%
leaking, leak_curve = language_model("gpt_2025", muon, **small, causal=False)
print(f"loss {leak_curve[-1]:.3f} bits a character; the text holds {limit:.3f}")
written = generate(leaking, prompt[None], 60, Sampling(0.0))[0]
print(f"it writes {characters.decode(written.tolist())!r}")

# %% [markdown]
# A loss below the entropy of the text is impossible, so something is wrong. With real
# text nobody knows the entropy. Then ask for the gradient of each logit with respect to
# each input: above the diagonal it must be exactly zero. `scripts/leak_check.py` does
# so for any checkpoint.

# %%
piece = held_out_ids[:32].long()
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for axis, (name, model) in zip(
    axes, {"causal": best, "without the mask": leaking}.items(), strict=True
):
    grads = gradients_between(model, piece)
    axis.imshow(grads.clamp(min=1e-6).log10())
    axis.set_title(f"{name}: {int((grads.triu(1) != 0).sum())} gradients from the future")
    axis.set_xlabel("input")
    moved = changes_behind(model, piece).max()
    print(f"{name}: another future moves a logit by {moved:.1e} of the largest")
axes[0].set_ylabel("logit")
plt.show()

# %% [markdown]
# ## 8. Learning from a verifier: GRPO on a toy
#
# No demonstrations now, only a judge. The policy writes four letters of `abcd`, each
# from its own four logits. The judge gives 1 if no letter is smaller than the one
# before. Draw a group of $G$ answers, and compare each with its group:
#
# $$A_i = \frac{r_i - \mathrm{mean}(r)}{\mathrm{std}(r)}, \qquad
# L = -\frac1N \sum_i \frac1{|o_i|} \sum_t \min(\rho_{it} A_i,\
# \mathrm{clip}(\rho_{it}, 1 - \epsilon, 1 + \epsilon) A_i)$$
#
# A group that is all right or all wrong has $A = 0$ and teaches nothing.

# %%
PROMPTS, GROUP, LENGTH = 8, 8, 4
source = torch.Generator().manual_seed(0)
table = nn.Parameter(torch.zeros(LENGTH, 4))
optimizer = torch.optim.Adam([table], lr=0.1)
history = {"reward": [], "entropy (bits)": [], "groups that teach nothing": []}
everything = torch.ones(PROMPTS * GROUP, LENGTH).bool()
for _ in range(80):
    chances = table.softmax(1)
    answers = torch.multinomial(
        chances.detach(), PROMPTS * GROUP, replacement=True, generator=source
    ).T
    rewards = (answers.diff(dim=1) >= 0).all(1).float().view(PROMPTS, GROUP)
    advantages = grpo_advantages(rewards).flatten()
    logp = table.log_softmax(1)[torch.arange(LENGTH), answers]
    loss, _ = policy_loss(
        logp, logp.detach(), advantages, everything, clip=0.2, normaliser="sequence"
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history["reward"].append(rewards.mean().item())
    history["entropy (bits)"].append(
        torch.special.entr(chances).sum().item() / torch.tensor(2.0).log().item()
    )
    history["groups that teach nothing"].append(zero_variance(rewards).item())

figure, axes = plt.subplots(1, 3, figsize=(12, 2.8))
for axis, (name, values) in zip(axes, history.items(), strict=True):
    axis.plot(values)
    axis.set_title(name)
    axis.set_xlabel("step")
plt.show()
print("likeliest answer:", "".join("abcd"[i] for i in table.argmax(1)))

# %% [markdown]
# The reward rises, and the variety falls with it: of the 35 answers that the judge
# would take, the policy keeps a few. This is the price that the README measures on
# countdown, where one attempt of sixteen passes less often after GRPO than before.
#
# ## Where to go on
#
# - `python scripts/train.py --config configs/toy_grammar.yaml`: the model above, for
#   longer, with checkpoints and pictures.
# - `configs/reason_addition.yaml`: GRPO on a real decoder.
# - `docs/EXERCISES.md`: rebuild the parts that you have just used, one by one.
