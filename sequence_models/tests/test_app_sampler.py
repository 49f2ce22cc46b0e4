"""What the sampler's panel is told, against the library."""

import pytest
import torch

from src.app.choices import Choices
from src.app.sampler import LONGEST, MOST, Sampler
from src.generation.generate import Reader, generate
from src.generation.sampling import Sampling
from src.inference.scoring import score
from src.utils.errors import InputError
from tests.app_checkpoints import make


TEXT = "It was a warm day and Tom"
LONG = "Tom saw a dog. " * 6  # past the context of 32


@pytest.fixture(scope="module")
def sampler(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    for name in ("lstm", "bytes", "answer", "mlm"):
        make(runs, name)
    return Sampler(Choices(make(runs, "gpt"), runs))


@pytest.mark.spec("SEQ-238", "those from which `generate` draws the next token")
@pytest.mark.parametrize("name", ["gpt", "lstm", "bytes"])
@pytest.mark.parametrize("text", [TEXT, LONG, ""])
def test_the_logits_are_those_that_generate_reads(sampler, name, text):
    predictor = sampler.choices.get(name)
    appended = [3, 5, 7]
    found = sampler.next(name, text, appended)
    ids = (predictor.tokenizer.encode(text) or predictor.beginning) + appended
    assert (found["ids"], found["typed"]) == (ids, len(ids) - 3)
    tokens = predictor.tensor(ids)[None]
    with torch.inference_mode():
        logits = Reader(predictor.model, 1, len(ids)).read(tokens)[0]
    assert torch.allclose(found["logits"], logits, atol=1e-5)


@pytest.mark.spec("SEQ-238", "how surprising each token was")
@pytest.mark.parametrize("name", ["gpt", "lstm"])
def test_the_surprise_is_that_of_the_score(sampler, name):
    predictor = sampler.choices.get(name)
    ids = predictor.beginning + predictor.tokenizer.encode(TEXT)
    found = sampler.next(name, predictor.tokenizer.decode(ids), [])
    shares = [token["probability"] for token in score(predictor, ids[1:])["tokens"]]
    bits = -torch.tensor(shares).log2()
    assert found["bits"][0] is None
    assert torch.allclose(torch.tensor(found["bits"][1:]), bits, atol=1e-4)


@pytest.mark.spec("SEQ-240", "one by one")
@pytest.mark.parametrize("name", ["gpt", "lstm"])
def test_single_draws_give_the_text_of_one_draw_of_all(sampler, name):
    how = {"temperature": 1.3, "top_p": 0.9, "no_repeat_ngram": 3, "seed": 4}
    at_once = sampler.draw(name, TEXT, [], 20, **how)["tokens"]
    one_by_one = []
    for _ in range(20):
        one_by_one += sampler.draw(name, TEXT, one_by_one, 1, **how)["tokens"]
    predictor = sampler.choices.get(name)
    prompt = predictor.tensor(predictor.tokenizer.encode(TEXT))[None]
    sampling = Sampling(temperature=1.3, top_p=0.9, no_repeat_ngram=3)
    written = generate(predictor.model, prompt, 20, sampling, seed=4)
    assert one_by_one == at_once == written[0].tolist()


@pytest.mark.spec("SEQ-240", "a token that ends a text ends it")
def test_nothing_is_drawn_behind_the_end(sampler, monkeypatch):
    predictor = sampler.choices.get("answer")
    end = predictor.special("<|eos|>")
    monkeypatch.setattr(
        "src.app.sampler.generate",
        lambda *_, **__: torch.tensor([[2, end, end, end]]),
    )
    assert sampler.draw("answer", "", [], 4)["tokens"] == [2, end]


def test_a_special_token_may_be_written_by_its_name(sampler):
    predictor = sampler.choices.get("answer")
    found = sampler.next("answer", "<|bos|>", [])
    assert found["ids"] == [predictor.special("<|bos|>")]
    assert "<|bos|>" in sampler.vocabulary("answer")["names"]


@pytest.mark.spec("SEQ-246", "refused in one sentence")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"prompt": "naïve"}, "'ï' .*U\\+00EF.*position 2"),
        ({"prompt": "a" * (LONGEST + 1)}, "2,001 characters; .* 2,000 at most"),
        ({"prompt": "a\ud800"}, "half of a surrogate pair|U\\+D800"),
        ({"appended": [10**6]}, "appended: ids are 0 to"),
        ({"appended": [-1]}, "appended: ids are 0 to"),
        ({"appended": [1] * 3000}, "2000 tokens were appended"),
        ({"checkpoint": "mlm"}, "mlm is for the task mlm and writes no text"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(sampler, given, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        sampler.next(**{"checkpoint": "gpt", "prompt": "", "appended": []} | given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"count": 0}, f"draw 1 to {MOST} tokens"),
        ({"count": 10**9}, f"draw 1 to {MOST} tokens"),
        ({"seed": -1}, "a seed of 0 or more"),
        ({"top_p": 0.0}, "top_p is 0.0: it must be above 0"),
        ({"temperature": -1.0}, "temperature is -1.0"),
    ],
)
def test_a_draw_out_of_range_is_one_sentence(sampler, given, sentence):
    with pytest.raises(InputError, match=sentence):
        sampler.draw("gpt", "", [], **given)


def test_all_that_is_saved_can_be_asked(sampler):
    questions = sampler.exported()
    assert len(questions) == len({str(one) for one in questions}) > 100
    depths = [len(given["appended"]) for name, given in questions if "next" in name]
    assert max(depths) >= 20
    for name, given in questions[-5:]:
        assert len(getattr(sampler, name.split("/")[1])(**given)["logits"]) > 50
