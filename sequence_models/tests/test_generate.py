"""Text token by token: memory, ragged prompts, windows, stops."""

import pytest
import torch

from src.generation.generate import generate, stream, window_start
from src.generation.sampling import GREEDY, Sampling
from src.utils.errors import FaultError
from tests.tiny_models import TinyGPT, TinyRNN


MODELS = {
    "rnn": lambda: TinyRNN(7),
    "gpt": lambda: TinyGPT(7, 64),
    "short gpt": lambda: TinyGPT(7, 6),
    "one-token gpt": lambda: TinyGPT(7, 1),
}
EVERY = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
SETTINGS = Sampling(1.2, 5, 0.95, 0.01, 1.1, 3)


def prompts(batch: int = 3, time: int = 5) -> torch.Tensor:
    return torch.randint(0, 7, (batch, time), generator=torch.manual_seed(0))


def without_memory(model, prompt, count):
    """Greedy, the whole window read again for each token."""
    text = prompt
    for _ in range(count):
        start = window_start(text.shape[1], model.context)
        logits, _ = model(text[:, start:])
        text = torch.cat([text, logits[:, -1].argmax(1, keepdim=True)], 1)
    return text[:, prompt.shape[1] :]


@pytest.mark.spec(
    "SEQ-088", "the tokens that reading the whole window again would give"
)
@EVERY
def test_memory_changes_no_token(make):
    model = make()
    found = generate(model, prompts(), 40, GREEDY)
    assert torch.equal(found, without_memory(model, prompts(), 40))


@pytest.mark.spec("SEQ-088", "each token is read once")
def test_each_token_is_read_once():
    model = TinyRNN(7)
    generate(model, prompts(), 30)
    assert model.calls == 30


@pytest.mark.spec("SEQ-089", "Rows of different lengths in a batch are what each is")
@EVERY
@pytest.mark.parametrize("settings", [GREEDY, Sampling(), SETTINGS], ids=str)
def test_ragged_rows_are_what_they_are_alone(make, settings):
    model, prompt = make(), prompts(1, 9).expand(3, -1)
    lengths = torch.tensor([9, 2, 5])
    rows = generate(model, prompt, 20, settings, seed=4, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        # Row r draws with the numbers of (seed, r): copies of it alone, the last read.
        alone = prompt[:1, :length].expand(row + 1, -1)
        assert torch.equal(rows[row], generate(model, alone, 20, settings, seed=4)[row])


@pytest.mark.spec("SEQ-089", "The same seed gives the same text")
def test_the_seed_and_the_row_decide_and_the_count_does_not():
    model, prompt = TinyGPT(7, 12), prompts(1).expand(4, -1)
    first = generate(model, prompt, 30, seed=1)
    assert torch.equal(first, generate(model, prompt, 30, seed=1))
    assert torch.equal(first[:2, :9], generate(model, prompt[:2], 9, seed=1))
    assert not torch.equal(first, generate(model, prompt, 30, seed=2))
    assert len({tuple(row.tolist()) for row in first}) == 4


@pytest.mark.spec("SEQ-090", "begins anew with its last C // 2")
def test_the_window_is_halved_whenever_it_is_full():
    seen = [end - window_start(end, 8) for end in range(1, 20)]
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8, *2 * (4, 5, 6, 7, 8), 4]
    assert [window_start(end, None) for end in (1, 10**6)] == [0, 0]
    assert [window_start(end, 1) for end in (1, 2, 3)] == [0, 1, 2]


@pytest.mark.spec("SEQ-090", "as if it had written the prompt itself")
@EVERY
def test_a_text_goes_on_as_if_it_had_not_been_interrupted(make):
    model = make()
    whole = generate(model, prompts(), 50, GREEDY)
    longer = torch.cat([prompts(), whole[:, :33]], 1)
    assert torch.equal(generate(model, longer, 17, GREEDY), whole[:, 33:])


@pytest.mark.spec("SEQ-091", "repeats it to the end")
@EVERY
def test_a_row_ends_at_its_stop(make):
    model = make()
    free = generate(model, prompts(), 40, seed=3)
    ended = generate(model, prompts(), 40, seed=3, stop=[2, 4])
    lasts = []
    for before, after in zip(free.tolist(), ended.tolist(), strict=True):
        end = next(i for i, token in enumerate(before) if token in (2, 4))
        assert after == before[: end + 1] + (39 - end) * [before[end]]
        lasts.append(end)
    assert len(set(lasts)) > 1


@pytest.mark.spec("SEQ-091", "repeats it to the end")
def test_a_stop_in_a_longer_prompt_ends_nothing():
    model, prompt = TinyRNN(7), torch.tensor([[1, 5, 5, 5], [1, 5, 2, 1]])
    lengths = torch.tensor([2, 4])
    free = generate(model, prompt, 9, GREEDY, lengths=lengths)
    ended = generate(model, prompt, 9, GREEDY, lengths=lengths, stop=[2])
    end = (free[1].tolist() + [2]).index(2)
    assert end > 0 and ended[1, :end].equal(free[1, :end])


@pytest.mark.spec("SEQ-091", "`stream` yields them one by one")
@EVERY
def test_a_stream_yields_the_same_tokens_up_to_the_stop(make):
    model, prompt = make(), prompts(1)
    whole = generate(model, prompt, 40, seed=8)[0].tolist()
    assert list(stream(model, prompt[0], 40, seed=8)) == whole
    end = whole.index(4) + 1
    assert list(stream(model, prompt[0], 40, seed=8, stop=[4])) == whole[:end]


@pytest.mark.spec("SEQ-092", "leaves the model in the mode in which it was")
def test_the_model_is_evaluated_meanwhile_and_left_as_it_was():
    model = TinyRNN(7).train()
    model.frozen = torch.nn.Dropout().eval()
    modes = []
    model.register_forward_pre_hook(lambda m, _: modes.append(m.training))
    tokens = generate(model, prompts(), 3)
    assert modes == 3 * [False] and model.training
    assert not torch.is_inference_mode_enabled() and not tokens.is_inference()
    abandoned = stream(model, prompts()[0], 9)
    next(abandoned)
    assert not torch.is_inference_mode_enabled()
    abandoned.close()
    assert model.training and not model.frozen.training


@pytest.mark.spec("SEQ-092", "A model that gives NaN is a FaultError")
@EVERY
def test_nan_is_named(make):
    model = make()
    torch.nn.init.constant_(model.head, torch.nan)
    with pytest.raises(FaultError, match="the model gives NaN. Use another"):
        generate(model, prompts(), 3)


@pytest.mark.parametrize(
    "prompt, options, said",
    [
        (torch.tensor([[1, 7]]), {}, r"outside of 0..6"),
        (torch.tensor([[1, -1]]), {}, r"outside of 0..6"),
        (torch.zeros(2, 0).long(), {}, r"\[0, 0\] tokens do not fit 1..0"),
        (torch.ones(1, 2).long(), {"lengths": torch.tensor([3])}, r"\[3\] tokens"),
        (torch.ones(1, 2).long(), {"count": -1}, "count is -1"),
    ],
)
def test_prompts_that_cannot_be_are_refused(prompt, options, said):
    options = {"count": 2} | options
    with pytest.raises(ValueError, match=said):
        generate(TinyRNN(7), prompt, **options)


def test_nothing_to_do_is_done():
    model = TinyRNN(7)
    assert generate(model, prompts(), 0).shape == (3, 0)
    assert generate(model, prompts(0), 4).shape == (0, 4)
    assert generate(model, prompts(2).int(), 4).shape == (2, 4)
