"""Answers of a group: what `generate` draws alone, with the cache and without it."""

import pytest
import torch

from src.data.toy_tasks import SPECIALS
from src.generation.generate import generate
from src.generation.sampling import GREEDY, PLAIN, Sampling, next_token
from src.models import ModelConfig, build_model
from src.reasoning import rollouts as module
from src.reasoning.actor_critic import ActorCritic
from src.reasoning.rollouts import roll_out
from src.tokenizers import CharTokenizer, WordTokenizer
from src.utils.errors import FaultError
from tests.tiny_models import TinyRNN


TOKENIZER = CharTokenizer("012345678", SPECIALS)
BOS, EOS, PAD, SEP = (TOKENIZER.specials[name] for name in SPECIALS)
TIME, COUNT, GROUP = 5, 7, 4
LENGTHS = torch.tensor([5, 3, 5, 3])
LEVEL = torch.full((4,), TIME)
PENALISED = Sampling(1.2, 9, 0.97, 0.01, 1.1, 3)
EVERY = pytest.mark.parametrize(
    "name", ["gpt_2020", "gpt_2023", "gpt_2025", "lstm", "actor_critic"]
)
RAGGED = pytest.mark.parametrize("lengths", [LEVEL, LENGTHS], ids=["level", "ragged"])


def build(name: str, context: int = TIME + COUNT - 1, dtype=torch.float64):
    """Weights with which an answer comes more than once and EOS early and late."""
    torch.manual_seed(5)
    sizes = (
        {"hidden": 16} if name == "lstm" else {"d_model": 16, "heads": 2, "tie": False}
    )
    kind = "gpt_2025" if name == "actor_critic" else name
    config = ModelConfig(kind, layers=2, **sizes)
    model = build_model(config, TOKENIZER.vocab_size, context).to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2)
    return ActorCritic(model) if name == "actor_critic" else model


def prompts() -> torch.Tensor:
    return torch.randint(0, 9, (4, TIME), generator=torch.Generator().manual_seed(1))


def numbers(group: int = GROUP, count: int = COUNT) -> torch.Tensor:
    g = torch.Generator().manual_seed(2)
    return torch.rand(4, group, count, dtype=torch.float64, generator=g)


def alone(model, lengths, uniform, sampling):
    """Each row of `roll_out`, cut behind EOS, from `generate` with one row."""
    for prompt, length, rows in zip(prompts(), lengths.tolist(), uniform, strict=True):
        for row in rows:
            text = generate(
                model,
                prompt[None, :length],
                uniform.shape[2],
                sampling,
                uniform=row[None],
                stop=[EOS],
            )[0].tolist()
            yield text[: text.index(EOS) + 1] if EOS in text else text


def written(rollouts) -> list[list[int]]:
    """The scored tokens of each row."""
    rows = zip(rollouts.tokens, rollouts.scored, strict=True)
    return [tokens[scored].tolist() for tokens, scored in rows]


@pytest.mark.spec("SEQ-192", "what `generate` draws for it alone with the same numbers")
@EVERY
def test_a_row_is_what_generate_draws_alone(name):
    model, uniform = build(name), numbers()
    found = written(roll_out(model, prompts(), LENGTHS, uniform, TOKENIZER))
    assert found == list(alone(model, LENGTHS, uniform, PLAIN))
    assert len({len(row) for row in found}) > 2  # or it would show little


@pytest.mark.spec("SEQ-192", "what `generate` draws for it alone with the same numbers")
@RAGGED
@pytest.mark.parametrize("sampling", [PENALISED, GREEDY], ids=["penalised", "greedy"])
def test_every_way_of_sampling_is_that_of_generate(lengths, sampling):
    model, uniform = build("gpt_2025"), numbers()
    found = written(roll_out(model, prompts(), lengths, uniform, TOKENIZER, sampling))
    assert found == list(alone(model, lengths, uniform, sampling))


@pytest.mark.spec("SEQ-192", "What stands right of a prompt is not read")
def test_what_stands_right_of_a_prompt_is_not_read():
    model, other = build("gpt_2025"), prompts()
    other[1, 3:] = PAD
    other[3, 3:] = SEP
    rows = (
        roll_out(model, prompt, LENGTHS, numbers(), TOKENIZER)
        for prompt in (prompts(), other)
    )
    first, second = map(written, rows)
    assert first == second


@pytest.mark.spec("SEQ-192", "with the same numbers")
def test_generate_draws_with_given_numbers():
    model, prompt, uniform = TinyRNN(13), prompts(), numbers()[:, 0]
    found = generate(model, prompt, COUNT, uniform=uniform)
    text = prompt
    for number in uniform.T:
        token = next_token(model(text)[0][:, -1], text, number)
        text = torch.cat((text, token[:, None]), 1)
    assert torch.equal(found, text[:, TIME:])
    assert torch.equal(found, generate(model, prompt, COUNT, seed=9, uniform=uniform))
    for lengths in (None, LENGTHS):
        none = generate(model, prompt, 0, uniform=uniform[:, :0], lengths=lengths)
        assert none.shape == (4, 0)


@pytest.mark.parametrize("wrong", [1.0, -1e-9, float("nan")])
def test_a_number_outside_of_0_1_is_refused(wrong):
    uniform = numbers()
    uniform[3, 1, 2] = wrong
    with pytest.raises(ValueError, match=r"to draw with is outside of \[0, 1\)"):
        roll_out(TinyRNN(13), prompts(), LEVEL, uniform, TOKENIZER)
    with pytest.raises(ValueError, match=r"to draw with is outside of \[0, 1\)"):
        generate(TinyRNN(13), prompts(), COUNT, uniform=uniform[:, 1])


@pytest.mark.spec("SEQ-193", "the same tokens in float64")
@EVERY
def test_reading_everything_again_gives_the_same_tokens(name):
    model, uniform = build(name).eval(), numbers()
    found = written(roll_out(model, prompts(), LENGTHS, uniform, TOKENIZER))
    for row, tokens in enumerate(found):
        prompt, place = divmod(row, GROUP)
        text = prompts()[prompt, : LENGTHS[prompt]]
        for token, number in zip(tokens, uniform[prompt, place], strict=False):
            logits = model(text[None])[0][:, -1]
            assert next_token(logits, text[None], number[None]).item() == token
            text = torch.cat((text, torch.tensor([token])))


@pytest.mark.spec("SEQ-193", "logits to 1e-5 in float32")
@EVERY
def test_reading_everything_again_gives_the_same_logits(name, monkeypatch):
    model, drawn = build(name, dtype=torch.float32).eval(), []

    def spy(logits, history, uniform, sampling):
        drawn.append((logits.clone(), history.clone()))
        return next_token(logits, history, uniform, sampling)

    monkeypatch.setattr(module, "next_token", spy)
    roll_out(model, prompts(), LENGTHS, numbers(), TOKENIZER)
    assert len(drawn) > COUNT
    for logits, history in drawn:
        with torch.no_grad():
            whole = model(history)[0][:, -1]
        torch.testing.assert_close(logits, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.spec("SEQ-193", "one token too many is refused")
@RAGGED
def test_a_context_is_just_long_enough_or_refused(lengths):
    uniform = numbers()
    roll_out(build("gpt_2025"), prompts(), lengths, uniform, TOKENIZER)
    with pytest.raises(ValueError, match="prompt of 5 tokens and 7 .* context of 11"):
        roll_out(build("gpt_2025", 10), prompts(), lengths, uniform, TOKENIZER)


@pytest.mark.spec("SEQ-194", "ends with EOS, and the PADs behind it are not scored")
@RAGGED
def test_a_line_is_prompt_answer_eos_and_pads(lengths):
    rollouts = roll_out(build("lstm"), prompts(), lengths, numbers(), TOKENIZER)
    tokens, scored, responses, ended = rollouts
    assert tokens.shape == scored.shape == (4 * GROUP, TIME + COUNT)
    for row, answer in enumerate(written(rollouts)):
        prompt, length = prompts()[row // GROUP], int(lengths[row // GROUP])
        pads = [PAD] * (TIME + COUNT - length - len(answer))
        assert tokens[row].tolist() == [*prompt[:length].tolist(), *answer, *pads]
        assert bool(ended[row]) == (answer[-1] == EOS) == (EOS in answer)
        assert answer[-1] == EOS or len(answer) == COUNT
        assert scored[row].nonzero()[:, 0].tolist()[0] == length
        inner = answer[:-1] if answer[-1] == EOS else answer
        assert responses[row] == TOKENIZER.decode(inner)
    assert 0 < ended.sum() < len(ended)


@pytest.mark.spec("SEQ-194", "that does not end within its count has none")
def test_a_row_that_does_not_end_is_scored_whole():
    model, uniform = build("lstm"), numbers()
    rollouts = roll_out(model, prompts(), LEVEL, uniform[..., :2], TOKENIZER)
    open_rows = ~rollouts.ended
    assert open_rows.any()
    assert (rollouts.tokens[open_rows] != EOS).all()
    assert rollouts.scored[open_rows, TIME:].all()
    assert not rollouts.scored[:, :TIME].any()


def test_the_last_token_may_be_the_end():
    model, uniform = build("lstm"), numbers()
    whole = roll_out(model, prompts(), LEVEL, uniform, TOKENIZER)
    longest = max(len(row) for row in written(whole) if row[-1] == EOS)
    cut = roll_out(model, prompts(), LEVEL, uniform[..., :longest], TOKENIZER)
    assert torch.equal(cut.ended, whole.ended)


def test_a_special_token_in_an_answer_is_not_hidden_from_the_verifier():
    rollouts = roll_out(build("lstm"), prompts(), LEVEL, numbers(), TOKENIZER)
    texts = [row[:-1] if row[-1] == EOS else row for row in written(rollouts)]
    special = [i for i, row in enumerate(texts) if {BOS, PAD, SEP} & set(row)]
    assert special
    assert all("<|" in rollouts.responses[i] for i in special)
    assert not any("<|eos|>" in response for response in rollouts.responses)


def test_an_eos_in_the_prompt_ends_nothing():
    model, prompt = build("lstm"), prompts()
    prompt[:, 1] = EOS
    uniform = numbers()[..., :2]
    _, scored, responses, ended = roll_out(model, prompt, LEVEL, uniform, TOKENIZER)
    assert not ended.all()
    lengths = (scored.sum(1) - ended.long()).tolist()
    assert [len(TOKENIZER.encode(text, "all")) for text in responses] == lengths


def test_words_are_decoded_with_spaces():
    tokenizer = WordTokenizer([str(n) for n in range(9)], SPECIALS)
    model = build("lstm")
    words = roll_out(model, prompts(), LEVEL, numbers(), tokenizer).responses
    letters = roll_out(model, prompts(), LEVEL, numbers(), TOKENIZER).responses
    assert [word.replace(" ", "") for word in words] == letters
    assert any(" " in word for word in words)


class Counted(TinyRNN):
    """Notes the shape of what it reads."""

    def forward(self, tokens, memory=None):
        self.__dict__.setdefault("shapes", []).append(tuple(tokens.shape))
        return super().forward(tokens, memory)


@pytest.mark.spec("SEQ-195", "A prompt is read once for its group")
def test_a_prompt_is_read_once_and_equal_lines_are_one():
    model, prompt = Counted(13), prompts()
    greedy = roll_out(model, prompt, LEVEL, numbers(), TOKENIZER, GREEDY)
    answers = written(greedy)
    assert answers == [row for row in answers[::GROUP] for _ in range(GROUP)]
    assert model.shapes[0] == (4, TIME)
    assert len(model.shapes) == max(map(len, answers))
    alive = [sum(len(row) > n for row in answers[::GROUP]) for n in range(1, COUNT)]
    assert model.shapes[1:] == [(n, 1) for n in alive if n]


@pytest.mark.spec("SEQ-195", "nothing that has ended is read on")
def test_only_lines_that_differ_and_go_on_are_read():
    model = Counted(13)
    answers = written(roll_out(model, prompts(), LEVEL, numbers(), TOKENIZER))
    for place, (lines, _) in enumerate(model.shapes[1:], 1):
        beginnings = {
            (row // GROUP, *answer[:place])
            for row, answer in enumerate(answers)
            if len(answer) > place
        }
        assert lines == len(beginnings)
    assert len(model.shapes) == max(map(len, answers))


@pytest.mark.spec("SEQ-195", "nothing that has ended is read on")
def test_it_stops_when_all_have_ended():
    class Ending(Counted):
        def forward(self, tokens, memory=None):
            logits, memory = super().forward(tokens, memory)
            if len(self.shapes) == 3:
                logits[..., EOS] = 1e9
            return logits, memory

    model = Ending(13)
    rollouts = roll_out(model, prompts(), LEVEL, numbers(), TOKENIZER)
    assert rollouts.ended.all() and len(model.shapes) == 3


def test_greedy_in_groups_of_one():
    model = build("gpt_2025")
    found = roll_out(model, prompts(), LENGTHS, numbers(1), TOKENIZER, GREEDY)
    other = roll_out(model, prompts(), LENGTHS, 0 * numbers(1), TOKENIZER, GREEDY)
    assert torch.equal(found.tokens, other.tokens)


def test_the_model_is_evaluated_and_then_as_before():
    model = build_model(ModelConfig("lstm", hidden=16, dropout=0.5), 13, 12).train()
    with torch.no_grad():
        model.head.weight.mul_(20)  # so that dropout would change what is drawn
    drawn = [
        roll_out(model, prompts(), LEVEL, numbers(), TOKENIZER).tokens for _ in range(2)
    ]
    assert torch.equal(*drawn)
    assert all(part.training for part in model.modules())


def test_nothing_is_asked_for():
    model = TinyRNN(13)
    for batch, group, count in [(0, 2, 3), (4, 0, 3), (4, 2, 0)]:
        uniform = torch.rand(batch, group, count)
        found = roll_out(model, prompts()[:batch], LEVEL[:batch], uniform, TOKENIZER)
        assert found.tokens.shape == (batch * group, TIME + count)
        assert not found.scored.any() and not found.ended.any()
        assert found.responses == [""] * (batch * group)


@pytest.mark.parametrize("wrong", [0, TIME + 1])
def test_lengths_that_do_not_fit_are_refused(wrong):
    lengths = torch.tensor([5, 3, wrong, 3])
    with pytest.raises(ValueError, match=rf"prompts of \[5, 3, {wrong}, 3\].* 1\.\.5"):
        roll_out(TinyRNN(13), prompts(), lengths, numbers(), TOKENIZER)


def test_a_model_that_gives_nan_is_refused():
    model = TinyRNN(13)
    with torch.no_grad():
        model.head.fill_(float("nan"))
    with pytest.raises(FaultError, match="the model gives NaN"):
        roll_out(model, prompts(), LEVEL, numbers(), TOKENIZER)
