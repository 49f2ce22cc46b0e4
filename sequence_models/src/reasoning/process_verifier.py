"""How likely a response is to end right, judged at the end of each of its steps.

Trained from the model's own responses to problems of its training: a step is labelled
by whether the response that it stands in ended right, which is a Monte-Carlo estimate
of its value from one sample (Math-Shepherd, Wang et al. 2023, arXiv 2312.08935, takes
several), without a person's labels (as in Lightman et al. 2023, arXiv 2305.20050). A
whole response is worth what its last step is, as Snell et al. found best for such
labels (2024, arXiv 2408.03314, section 5.1).

It sees the model's features, and how likely the model found what it wrote. Features
alone tell little: a model that knew of its slips would make fewer.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.seed import keyed_rng
from .problems import Problems
from .rollouts import Rollouts


EXAMPLES = 8
"""Worked responses in which the marks between steps are looked for."""
EPOCHS, BATCH, RATE, DECAY = 30, 512, 1e-2, 1e-2


class ProcessVerifier(nn.Module):
    """A small network on what `step_features` gives for the end of a step."""

    def __init__(self, features: int, hidden: int = 16):
        super().__init__()
        self.features = features
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.inside = nn.Linear(features, hidden)
        self.outside = nn.Linear(hidden, 1)

    @contract
    def forward(
        self, x: Float[Tensor, "steps {self.features}"]
    ) -> Float[Tensor, " steps"]:
        """The logit of the chance that the response ends right."""
        x = (x - self.mean) / self.deviation
        return self.outside(F.relu(self.inside(x)))[:, 0]


@contract
def judge(
    verifier: ProcessVerifier,
    model: nn.Module,
    tokens: Int[Tensor, "rollouts time"],
    scored: Bool[Tensor, "rollouts time"],
) -> Float[Tensor, " rollouts"]:
    """The chance that each line ends right, as it stands up to its last scored token.

    That is not the end of a line, which the model never reads. A line without scored
    tokens: 0. Equal lines, of which a trained model writes many, are looked at once.
    """
    both = torch.cat((tokens, within(model, scored).to(tokens.dtype)), 1)
    both, place = both.unique(dim=0, return_inverse=True)
    tokens, scored = both[:, : tokens.shape[1]], both[:, tokens.shape[1] :].bool()
    chance = torch.zeros(len(both), dtype=torch.float64, device=tokens.device)
    with torch.no_grad():
        x = step_features(model, tokens, scored, last_of(scored))
        chance[scored.any(1)] = verifier(x).sigmoid().double()
    return chance[place]


@contract
def step_features(
    model: nn.Module,
    tokens: Int[Tensor, "rollouts time"],
    scored: Bool[Tensor, "rollouts time"],
    ends: Bool[Tensor, "rollouts time"],
) -> Float[Tensor, "steps features"]:
    """What is known at `ends`, in the order of the lines and of their tokens.

    The model's hidden state there, the log-probability of the scored tokens up to it,
    and the least of a single one. Raises InputError for a model without features.
    """
    body = getattr(model, "policy", model)  # of an actor-critic
    if not hasattr(body, "features"):
        raise InputError(
            "a process verifier needs a model that shows its features: model.name gpt_*"
        )
    longest = int(ends.any(0).nonzero().max()) + 1 if ends.any() else 1
    tokens, ends = tokens[:, :longest], ends[:, :longest]
    with torch.no_grad():
        x, _ = body.features(tokens)
        shares = body.logits(x[:, :-1]).log_softmax(2)
    own = F.pad(shares.gather(2, tokens[:, 1:, None])[:, :, 0], (1, 0))
    own = own * scored[:, :longest]
    surprise = torch.stack((own.cumsum(1), own.cummin(1).values), 2)
    return torch.cat((x, surprise), 2)[ends]


@contract
def within(
    model: nn.Module, scored: Bool[Tensor, "rollouts time"]
) -> Bool[Tensor, "rollouts time"]:
    """`scored` where the model can read: the last token of a full context it cannot."""
    if model.context is None:
        return scored
    return scored & (
        torch.arange(scored.shape[1], device=scored.device) < model.context
    )


@contract
def last_of(scored: Bool[Tensor, "rollouts time"]) -> Bool[Tensor, "rollouts time"]:
    """The last True of each row."""
    return scored & (scored.flip(1).cumsum(1).flip(1) == 1)


def step_marks(problems: Problems, tokenizer: Tokenizer) -> set[int]:
    """The tokens that end a step which is not the last; none: there are no steps."""
    marks = set()
    for index in range(min(EXAMPLES, len(problems))):
        entry = problems[index]
        response = problems.demonstrate(entry, keyed_rng(0, index))
        for step in problems.split_steps(response)[:-1]:
            marks.add(tokenizer.encode(step.strip())[-1])
    return marks


class Training(NamedTuple):
    """A verifier, and how well it tells right from wrong in responses kept from it."""

    verifier: ProcessVerifier
    auc: float
    """At the last step; NaN where all or none of the responses are right."""
    step_auc: float
    """At the steps before it."""
    steps: int
    """It was trained with."""
    right: float
    """Share of the responses."""


def train_verifier(
    model: nn.Module,
    rollouts: Rollouts,
    right: Bool[Tensor, " rollouts"],
    groups: Int[Tensor, " rollouts"],
    marks: set[int],
    eos: int,
    seed: int,
) -> Training:
    """Learn from responses of which is known whether they are `right`.

    A fifth of the `groups`, the problems that they answer, is kept to measure.
    """
    inside = within(model, rollouts.scored) & (rollouts.tokens != eos)
    last = last_of(inside)
    known = torch.tensor(sorted(marks), device=inside.device)
    ends = inside & torch.isin(rollouts.tokens, known) | last
    x = step_features(model, rollouts.tokens, inside, ends)
    rows = ends.nonzero()[:, 0]
    labels, final = right[rows], last[ends]
    kept = (groups % 5 == 4)[rows]
    verifier = fit(x[~kept], labels[~kept], seed)
    with torch.no_grad():
        scores = verifier(x)
    aucs = [auc(scores[kept & at], labels[kept & at]) for at in (final, ~final)]
    return Training(verifier, *aucs, int((~kept).sum()), right.float().mean().item())


@contract
def fit(
    x: Float[Tensor, "steps features"], labels: Bool[Tensor, " steps"], seed: int
) -> ProcessVerifier:
    """Binary cross-entropy with AdamW; the same for the same seed, whatever was before.

    Of one label alone nothing can be learnt: such a verifier says always the same.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        verifier = ProcessVerifier(x.shape[1]).to(x)
    verifier.mean.copy_(x.mean(0))
    verifier.deviation.copy_(x.std(0, correction=0).clamp(min=1e-6))
    if labels.all() or not labels.any():
        return _constant(verifier, bool(labels.all()))
    optimizer = torch.optim.AdamW(verifier.parameters(), RATE, weight_decay=DECAY)
    target, source = labels.to(x.dtype), torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=source).split(BATCH):
            rows = rows.to(x.device)
            loss = F.binary_cross_entropy_with_logits(verifier(x[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return verifier.eval()


@contract
def auc(scores: Float[Tensor, " steps"], labels: Bool[Tensor, " steps"]) -> float:
    """The chance that a right one scores higher than a wrong one, equal ones half.

    From the sum of ranks (Mann & Whitney 1947). NaN where all are right or all wrong.
    """
    right, wrong = int(labels.sum()), int((~labels).sum())
    if not right or not wrong:
        return float("nan")
    _, place, count = scores.unique(return_inverse=True, return_counts=True)
    rank = count.cumsum(0) - (count - 1) / 2  # the mean of those that are equal
    total = rank.double()[place][labels].sum().item()
    return (total - right * (right + 1) / 2) / (right * wrong)


def _constant(verifier: ProcessVerifier, right: bool) -> ProcessVerifier:
    """Says always the same: there was nothing to tell apart."""
    nn.init.zeros_(verifier.outside.weight)
    nn.init.constant_(verifier.outside.bias, 5.0 if right else -5.0)
    return verifier.eval()
