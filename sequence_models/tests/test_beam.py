"""Beam search, against every text there is and against transformers."""

import pytest
import torch

from src.generation.beam import beam_search
from src.generation.generate import Reader, generate, reorder_memory
from src.generation.sampling import GREEDY, Sampling
from tests.tiny_models import Cache, TinyGPT, TinyRNN


PROMPT = torch.tensor([1, 3])
MODELS = {
    "rnn": lambda seed=0: TinyRNN(4, seed=seed),
    "gpt": lambda seed=0: TinyGPT(4, 12, seed=seed),
    "short gpt": lambda seed=0: TinyGPT(4, 3, seed=seed),
}
EVERY = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def every_text(model, count, penalty, stop):
    """(score, tokens) of each text of `count` tokens or up to a stop, best first."""
    found = []

    def extend(text, total):
        reader = Reader(model, 1, 99)
        row = reader.read(torch.tensor([PROMPT.tolist() + text]))[0].log_softmax(0)
        for token, log in enumerate(row.tolist()):
            longer = [*text, token]
            if token in stop or len(longer) == count:
                found.append(((total + log) / len(longer) ** penalty, longer))
            else:
                extend(longer, total + log)

    with torch.no_grad():
        extend([], 0.0)
    return sorted(found, reverse=True)


@pytest.mark.spec("SEQ-093", "with a beam that loses nothing finds every text there is")
@EVERY
@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0, -1.0])
@pytest.mark.parametrize("stop", [(), (2,), (0, 2)])
def test_a_wide_beam_finds_all_texts_in_order(make, penalty, stop):
    model = make()
    wanted = every_text(model, 4, penalty, stop)
    beams = beam_search(model, PROMPT, 4, 256, length_penalty=penalty, stop=stop)
    assert [beam.tokens for beam in beams] == [tokens for _, tokens in wanted]
    assert [beam.score for beam in beams] == pytest.approx([s for s, _ in wanted])
    for beam in beams:
        total = beam.score * len(beam.tokens) ** penalty
        assert beam.log_probability == pytest.approx(total)


@pytest.mark.spec("SEQ-093", "A beam of one that nothing stops is greedy decoding")
@EVERY
def test_a_beam_of_one_is_greedy(make):
    model = make()
    (beam,) = beam_search(model, PROMPT, 30, 1)
    assert beam.tokens == generate(model, PROMPT[None], 30, GREEDY)[0].tolist()


@pytest.mark.spec("SEQ-093", "finds a text at least as likely as greedy decoding does")
def test_a_beam_finds_what_greedy_misses():
    gained = 0
    for seed in range(12):
        model = TinyRNN(6, seed=seed, sharp=4)
        one, *_ = beam_search(model, PROMPT, 8, 1)
        best, *_ = beam_search(model, PROMPT, 8, 16)
        assert best.score >= one.score - 1e-12
        gained += best.score > one.score + 1e-9
    assert gained > 3


class Borrowed(torch.nn.Module):
    """A model of transformers, called as ours are; it reads all again each time."""

    def __init__(self, model, vocab):
        super().__init__()
        self.inner, self.vocab, self.context = model, vocab, None

    def new_memory(self, batch, length):
        return torch.zeros(batch, 0, dtype=torch.long)

    def forward(self, tokens, memory):
        text = torch.cat([memory, tokens], 1)
        logits = self.inner(input_ids=text).logits
        return logits[:, memory.shape[1] :], text


@pytest.fixture(scope="module")
def gpt2():
    transformers = pytest.importorskip("transformers", reason="the reference of beams")
    torch.manual_seed(3)
    config = transformers.GPT2Config(
        vocab_size=11, n_positions=32, n_embd=8, n_layer=1, n_head=2,
        bos_token_id=0, eos_token_id=5, pad_token_id=5, initializer_range=1.5,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config).double().eval()


@pytest.mark.spec("SEQ-094", "Beam search gives transformers' texts and scores")
@pytest.mark.parity("beam search", "transformers.GenerationMixin.generate")
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0, -0.5])
@pytest.mark.parametrize("width", [2, 5])
@pytest.mark.parametrize(
    "extra", [{}, {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2}], ids=str
)
def test_beams_are_those_of_transformers(parity, gpt2, penalty, width, extra):
    prompt = torch.tensor([[1, 3, 7]])
    theirs = gpt2.generate(
        prompt, attention_mask=torch.ones_like(prompt), num_beams=width,
        num_return_sequences=width, max_new_tokens=9, do_sample=False,
        length_penalty=penalty, early_stopping="never", output_scores=True,
        return_dict_in_generate=True, **extra,
    )  # fmt: skip
    settings = Sampling(
        repetition_penalty=extra.get("repetition_penalty", 1.0),
        no_repeat_ngram=extra.get("no_repeat_ngram_size", 0),
    )
    ours = beam_search(
        Borrowed(gpt2, 11), prompt[0], 9, width,
        length_penalty=penalty, stop=[5], penalties=settings,
    )  # fmt: skip
    texts = [row[3:].tolist() for row in theirs.sequences]
    texts = [text[: text.index(5) + 1] if 5 in text else text for text in texts]
    parity.value([beam.tokens for beam in ours], texts, atol=0)
    scores = [beam.score for beam in ours]
    parity.value(scores, theirs.sequences_scores.tolist(), atol=1e-5)


def test_memories_of_every_kind_are_reordered():
    rows = torch.tensor([2, 0, 0])
    state = torch.arange(6).view(3, 2)
    cache = Cache(3, 4, 2)
    cache.values += torch.arange(3)[:, None, None]
    memory = {"a": state, "b": (state, [cache])}
    moved = reorder_memory(memory, rows)
    assert moved["a"].tolist() == [[4, 5], [0, 1], [0, 1]]
    assert moved["b"][0].equal(moved["a"])
    assert moved["b"][1][0].values[:, 0, 0].tolist() == [2, 0, 0]


@pytest.mark.parametrize("prompt, count, width", [([], 3, 2), ([1], 0, 2), ([1], 3, 0)])
def test_a_search_without_room_is_refused(prompt, count, width):
    with pytest.raises(ValueError, match="too few"):
        beam_search(TinyRNN(4), torch.tensor(prompt).long(), count, width)
