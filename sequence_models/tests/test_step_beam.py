"""Beam search over steps with a model whose paths are known."""

import pytest
import torch

from src.data.toy_tasks import SPECIALS
from src.models.decoder import Decoder
from src.reasoning.curriculum import Lines, answer_numbers
from src.reasoning.problems import create_dataset
from src.reasoning.rollouts import roll_out
from src.reasoning.step_beam import step_beam
from src.tokenizers import CharTokenizer
from tests.scripted import Scripted


MARK, EOS, BEGIN = 0, 4, 5
PROMPT = [BEGIN, BEGIN]


def letters(ids):
    """Three letters of 1, 2, 3, each as likely, with a mark between them."""
    written = len(ids) - len(PROMPT)
    if written % 2 == 0:
        return {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}
    return {EOS: 1.0} if written == 5 else {MARK: 1.0}


def every_letter(steps: int, prompts: int, slots: int, count: int = 6):
    """Numbers with which the slots draw 1, 2, 3, 1, 2, 3 ..."""
    numbers = (torch.arange(slots) % 3 + 0.5).double() / 3
    return numbers[None, None, :, None].expand(steps, prompts, slots, count)


def near(path):
    """A score: the share of letters that are those of `path`, as far as it goes."""

    def score(tokens, scored):
        rows = [
            [t for t in row[mask].tolist() if t != MARK]
            for row, mask in zip(tokens, scored, strict=True)
        ]
        same = [
            sum(a == b for a, b in zip(row, path, strict=False)) / len(row)
            for row in rows
        ]
        return torch.tensor(same)

    return score


MODEL = Scripted(letters, 6)


@pytest.mark.spec("SEQ-214", "finds the best path of a scripted model")
@pytest.mark.parametrize("path", [[2, 1, 3], [3, 3, 1]])
@pytest.mark.parametrize("beams, slots", [(1, 3), (3, 9), (2, 6)])
def test_the_best_path_is_found(path, beams, slots):
    (found,) = step_beam(
        MODEL, [PROMPT], every_letter(3, 1, slots), near(path), [MARK], EOS, beams=beams
    )
    a, b, c = path
    assert found.response == [a, MARK, b, MARK, c]
    assert found.ended and found.score == 1


@pytest.mark.spec("SEQ-214", "all tokens that were drawn are counted")
def test_what_is_abandoned_is_counted_and_prompts_are_apart():
    prompts, steps = [PROMPT, PROMPT], every_letter(3, 2, 9)
    found = step_beam(MODEL, prompts, steps, near([1, 2, 3]), [MARK], EOS, beams=3)
    assert [one.spent for one in found] == [54, 54]  # 9 slots, 3 steps, 2 tokens
    assert found[0] == found[1]


def trap(tokens, scored):
    """Says at first that 1 is best, at last that only what began with 2 is good."""
    first, length = tokens[:, len(PROMPT)], scored.sum(1)
    early = torch.where(first == 1, 0.9, torch.where(first == 2, 0.5, 0.1))
    return torch.where(length < 4, early, (first == 2).float())


@pytest.mark.spec("SEQ-214", "the best `beams` different ones stay")
def test_more_beams_survive_a_misleading_first_step():
    answers = [
        step_beam(MODEL, [PROMPT], every_letter(3, 1, 6), trap, [MARK], EOS, beams=n)
        for n in (1, 2)
    ]
    assert [found.response[0] for (found,) in answers] == [1, 2]
    assert [found.score for (found,) in answers] == [0, 1]


def test_equal_prefixes_take_one_beam():
    same = torch.full((3, 1, 4, 6), 0.5, dtype=torch.float64)
    same[0, 0, 3] = 0.9  # three slots draw 2 at first, one draws 3
    seen = []

    def score(tokens, scored):
        seen.append(
            [row[mask].tolist() for row, mask in zip(tokens, scored, strict=True)]
        )
        return torch.ones(len(tokens))

    step_beam(MODEL, [PROMPT], same, score, [MARK], EOS, beams=2)
    assert seen[0] == [[2, 0], [2, 0], [2, 0], [3, 0]]
    assert sorted(row[0] for row in seen[1]) == [2, 2, 3, 3]


def early_end(ids):
    written = len(ids) - len(PROMPT)
    return (
        {EOS: 0.5, 1: 0.5} if written == 0 else {MARK: 1.0} if written % 2 else {1: 1}
    )


def test_what_has_ended_stays_and_is_preferred_to_what_has_not():
    uniform = torch.tensor([0.9, 0.1]).double().view(1, 1, 2, 1).expand(3, 1, 2, 7)
    flat = [
        lambda tokens, scored: scored.sum(1).double(),
        lambda tokens, scored: -scored.sum(1).double(),
    ]
    for score in flat:
        (found,) = step_beam(
            Scripted(early_end, 6), [PROMPT], uniform, score, [MARK], EOS, beams=2
        )
        assert found.ended and found.response == [] and found.score == 0
    endless = Scripted(lambda ids: {1: 1.0}, 6, 6)
    (found,) = step_beam(endless, [PROMPT], uniform, flat[0], [MARK], EOS, beams=1)
    assert (
        not found.ended and found.response == [1] * 5
    )  # what the context has room for
    with pytest.raises(ValueError, match="beams = 3"):
        step_beam(endless, [PROMPT], uniform, flat[0], [MARK], EOS, beams=3)


@pytest.mark.spec(
    "SEQ-214", "With one beam and one slot it draws what `roll_out` draws"
)
@pytest.mark.parametrize("name", ["addition", "countdown"])
def test_one_beam_and_one_slot_is_plain_drawing(name):
    from src.tokenizers import WordTokenizer

    problems = create_dataset(name, 6, 0, "test")
    kind = CharTokenizer if isinstance(problems.words, str) else WordTokenizer
    tokenizer = kind(problems.words, SPECIALS)
    torch.manual_seed(1)
    model = Decoder(tokenizer.vocab_size, 22, d_model=8, layers=1, heads=2).double()
    lines, count = Lines(tokenizer), 14
    asked = lines.asked([problems[i]["question"] for i in range(6)])
    numbers = answer_numbers((3,), torch.arange(6).numpy(), 1, count)
    drawn = roll_out(model, asked["prompt"], asked["lengths"], numbers, tokenizer)
    found = step_beam(
        model,
        [lines.prompt(problems[i]["question"]) for i in range(6)],
        numbers[None].expand(count, -1, -1, -1),
        lambda tokens, scored: torch.zeros(len(tokens)),
        {tokenizer.encode(",")[0], tokenizer.encode("=")[0]},
        lines.eos,
        beams=1,
    )
    assert [tokenizer.decode(one.response) for one in found] == drawn.responses
    assert [one.ended for one in found] == drawn.ended.tolist()
    assert [one.spent for one in found] == drawn.scored.sum(1).tolist()
