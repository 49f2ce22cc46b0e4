"""How many tokens a CPU-second do rollouts give, and what does a step of RL cost?

    python tests/benchmarks/benchmark_rollouts.py --json rollouts.json

The recipe's step: 32 questions of two-digit addition, 16 answers each, a gpt_2023 of
0.1M parameters (64 numbers a token, 2 layers). `roll_out` stands beside the plain way,
one answer at a time and the whole text read again for each token; and beside the same
with a cache, and 512 rows at once without and with a cache. All draw with the same
numbers and must write the same answers. Once untrained, where nearly all lines differ,
and once after learning 400 demonstrations, where few do. Below, what one step of RL is
made of, and what its forward and backward pass costs if equal lines are not joined.
Contracts are off. Variants take turns in one process, one thread; only ratios travel.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.data.toy_tasks import SPECIALS
from src.generation.generate import generate
from src.generation.sampling import next_token
from src.models import ModelConfig, build_model
from src.reasoning.problems import Problems, create_dataset
from src.reasoning.rewards import grade
from src.reasoning.rollouts import Rollouts, log_probs, roll_out
from src.tokenizers import CharTokenizer, Tokenizer
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.rows import ratio_row


PROMPTS, GROUP, COUNT, ALONE = 32, 16, 12, 2  # ALONE: answers a question, one by one
PLAIN, OURS = "one by one, no cache", "roll_out"


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    problems = create_dataset("addition", 400, seed=0, digits=2)
    tokenizer = CharTokenizer("".join(problems.words), SPECIALS)
    sizes = {"d_model": 64, "layers": 2, "heads": 4}
    model = build_model(ModelConfig("gpt_2023", **sizes), tokenizer.vocab_size, 24)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    result = {"device": device_info(), "options": vars(options), "policies": {}}
    result["rows"] = []
    with contracts(False):
        for steps in (0, options.steps):
            learn(model, problems, tokenizer, steps)
            title = f"after {steps} supervised steps" if steps else "untrained"
            case = Case(model, problems, tokenizer)
            rows = case.sampling(options.rounds) | case.step(options.rounds)
            result["policies"][title] = rows
            ours = rows[OURS]["per_cpu_s"]
            result["rows"] += [  # CPU time a token, so that less is better
                ratio_row(f"rollouts, {title}", name, row["per_cpu_s"], ours)
                for name, row in rows.items()
                if "per_cpu_s" in row and name != OURS
            ]
            show(f"{title}: {case.lines} of {PROMPTS * GROUP} lines differ", rows)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=800, help="of learning (800)")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (7)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def learn(model: nn.Module, problems: Problems, tokenizer: Tokenizer, steps: int):
    rng = np.random.default_rng(0)
    lines = [problems[i] for i in range(len(problems))]
    texts = [problems.demonstrate(entry, rng) for entry in lines]
    prompts = read(tokenizer, lines)
    ends = torch.full((len(lines), 1), tokenizer.specials["<|eos|>"])
    answers = torch.tensor([tokenizer.encode(text) for text in texts])
    rows, first = torch.cat((prompts, answers, ends), 1), prompts.shape[1]
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 3e-3 * min(step / 50, 1 - step / steps)
        batch = rows[torch.randint(len(rows), (64,))]
        logits = model(batch[:, :-1])[0][:, first - 1 :]
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, first:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def read(tokenizer: Tokenizer, entries: list[dict]) -> Tensor:
    texts = [f"<|bos|>{entry['question']}<|sep|>" for entry in entries]
    return torch.tensor([tokenizer.encode(text, "all") for text in texts])


class Case:
    """One policy, the questions, and the numbers that answers are drawn with."""

    def __init__(self, model: nn.Module, problems: Problems, tokenizer: Tokenizer):
        self.model, self.problems, self.tokenizer = model, problems, tokenizer
        self.entries = [problems[i] for i in range(PROMPTS)]
        self.prompt = read(tokenizer, self.entries)
        g = torch.Generator().manual_seed(1)
        shape = (PROMPTS, GROUP, COUNT)
        self.uniform = torch.rand(shape, dtype=torch.float64, generator=g)
        self.eos = tokenizer.specials["<|eos|>"]
        self.rollouts = self.roll_out()
        self.lines = len(self.rollouts.tokens.unique(dim=0))

    def roll_out(self) -> Rollouts:
        lengths = torch.full((PROMPTS,), self.prompt.shape[1])
        return roll_out(self.model, self.prompt, lengths, self.uniform, self.tokenizer)

    def sampling(self, rounds: int) -> dict[str, dict]:
        """Tokens a CPU-second of each way, which must write what `roll_out` writes."""
        prompts = self.prompt.repeat_interleave(GROUP, 0)
        numbers = self.uniform.flatten(0, 1)
        everyone = range(len(prompts))
        some = [i for i in everyone if i % GROUP < ALONE]
        ways = {
            PLAIN: (some, self.again),
            "one by one, cache": (some, self.cached),
            "all at once, no cache": (None, self.again),
            "all at once, cache": (None, self.cached),
        }
        texts: dict[str, Tensor] = {}

        def caller(name: str) -> Callable[[], None]:
            alone, way = ways[name]
            batches = [[i] for i in alone] if alone else [list(everyone)]

            def call() -> None:
                parts = [way(prompts[rows], numbers[rows]) for rows in batches]
                texts[name] = torch.cat(parts)

            return call

        calls = {name: caller(name) for name in ways} | {OURS: self.roll_out}
        rows = interleave(calls, rounds)
        scored, tokens = self.rollouts.scored, self.rollouts.tokens
        for name, row in rows.items():
            picked = some if ways.get(name, [None])[0] else list(everyone)
            row["tokens"] = int(scored[picked].sum())
            row["per_cpu_s"] = row["tokens"] / row["cpu_s"]
            real = scored[picked, -COUNT:]
            ours = tokens[picked, -COUNT:][real]
            if name in texts and not torch.equal(texts[name][real], ours):
                raise SystemExit(f"{OURS} and {name} write different answers")
        return rows

    @torch.inference_mode()
    def again(self, text: Tensor, numbers: Tensor) -> Tensor:
        """Read the whole text for each token, until all have ended."""
        self.model.eval()
        done = torch.zeros(len(text), dtype=torch.bool)
        for number in numbers.T:
            logits = self.model(text)[0][:, -1]
            column = next_token(logits, text, number)
            text = torch.cat((text, column[:, None]), 1)
            done |= column == self.eos
            if done.all():
                break
        self.model.train()
        answer = text[:, self.prompt.shape[1] :]
        return F.pad(answer, (0, COUNT - answer.shape[1]))

    def cached(self, text: Tensor, numbers: Tensor) -> Tensor:
        stop = [self.eos]
        return generate(self.model, text, COUNT, uniform=numbers, stop=stop)

    def step(self, rounds: int) -> dict[str, dict]:
        """The parts of a step of RL."""
        tokens, scored, responses, ended = self.rollouts
        # A number of its own behind each line, which is not scored, keeps lines apart.
        last = F.one_hot(torch.arange(len(tokens))).to(tokens.dtype)
        apart = Rollouts(
            torch.cat((tokens, last), 1), F.pad(scored, (0, len(tokens))), [], ended
        )

        def learn_from(rollouts: Rollouts) -> Callable[[], None]:
            return lambda: log_probs(self.model, rollouts)[0].sum().backward()

        return interleave(
            {
                "a step: answers": self.roll_out,
                "a step: grading": lambda: grade(
                    self.problems, self.entries, responses, ended
                ),
                "a step: log_probs, backward": learn_from(self.rollouts),
                "the same, all lines apart": learn_from(apart),
            },
            rounds,
        )


def show(title: str, rows: dict[str, dict]) -> None:
    print(f"\n{title}\n{'':<30}{'CPU ms':>9}{'tokens/CPU-s':>14}{'speed':>8}")
    for name, row in rows.items():
        line = f"{name:<30}{row['cpu_s'] * 1e3:>9.1f}"
        if "tokens" in row:
            speed = row["per_cpu_s"] / rows[PLAIN]["per_cpu_s"]
            line += f"{row['per_cpu_s']:>14,.0f}{speed:>8.1f}"
        print(line)


if __name__ == "__main__":
    sys.exit(main())
