"""Autoregressive searches, beside every text there is and beside transformers."""

import pytest
import torch

from src.decoding.autoregressive import ar_beam, ar_greedy
from src.models.ar_decoder import ARDecoder
from tests.scorers import CONTEXT, LM, added


VOCAB, EOS, SOS = 6, 3, 0
ENDS = {"sos": SOS, "eos": EOS}


def make(seed=0, sharp=3.0):
    torch.manual_seed(seed)
    decoder = ARDecoder(VOCAB, 8, 2, 2, 12).double().eval()
    with torch.no_grad():
        decoder.head.weight.mul_(sharp)
    return decoder, torch.randn(3, 7, 8, dtype=torch.double)


def next_log_probs(decoder, hidden, text):
    tokens = torch.tensor([[SOS, *text]])
    with torch.no_grad():
        logits = decoder(
            tokens,
            torch.ones_like(tokens, dtype=torch.bool),
            hidden[None],
            torch.ones(1, len(hidden), dtype=torch.bool),
        )
    return logits[0, -1].log_softmax(-1).tolist()


def every_text(decoder, hidden, limit, penalty, extra=lambda text: 0.0):
    """(score, text) of each text of `limit` tokens or up to its end, best first."""
    found = []

    def extend(text, total):
        for token, log in enumerate(next_log_probs(decoder, hidden, text)):
            longer = text if token == EOS else (*text, token)
            if token == EOS or len(longer) == limit:
                score = total + log + extra(longer)
                found.append((score / (len(text) + 1) ** penalty, longer))
            else:
                extend(longer, total + log)

    extend((), 0.0)
    return sorted(found, key=lambda pair: -pair[0])


@pytest.mark.spec("ASR-092", "until the end of the sentence or the limit")
@pytest.mark.parametrize("limit", [None, 0, 2, 5])
def test_greedy_takes_the_likeliest_next_token(limit):
    decoder, hidden = make()
    lengths = torch.tensor([7, 2, 0])
    found = ar_greedy(decoder, hidden, lengths, limit=limit, **ENDS)
    for row, length in enumerate(lengths.tolist()):
        most = length if limit is None else min(limit, length)
        text, score, sure = [], 0.0, []
        while len(text) < most:
            logs = next_log_probs(decoder, hidden[row, :length], text)
            token = logs.index(max(logs))
            score += logs[token]
            if token == EOS:
                break
            text.append(token)
            sure.append(torch.tensor(logs[token]).exp().item())
        assert found[row].tokens == text
        assert found[row].score == pytest.approx(score)
        assert found[row].confidence == pytest.approx(sure)


@pytest.mark.spec("ASR-092", "until the end of the sentence or the limit")
def test_the_end_is_not_given_back():
    decoder, hidden = make()
    with torch.no_grad():
        decoder.head.bias[EOS] = 100.0
    for found in ar_greedy(decoder, hidden, torch.tensor([7, 7, 7]), **ENDS):
        assert (found.tokens, found.confidence) == ([], [])
        assert found.score == pytest.approx(0.0, abs=1e-6)


@pytest.mark.spec("ASR-093", "With a beam that loses nothing")
@pytest.mark.parametrize("penalty", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("limit", [1, 3])
def test_a_wide_beam_finds_every_text(penalty, limit):
    decoder, hidden = make()
    lengths = torch.tensor([7, 4, 0])
    found = ar_beam(
        decoder, hidden, lengths, 300, length_penalty=penalty, limit=limit, **ENDS
    )
    for row in range(2):
        wanted = every_text(decoder, hidden[row, : lengths[row]], limit, penalty)
        assert [tuple(one.tokens) for one in found[row]] == [t for _, t in wanted]
        scores = [score for score, _ in wanted]
        assert [one.score for one in found[row]] == pytest.approx(scores)
    assert [(one.tokens, one.score) for one in found[2]] == [([], 0.0)]


@pytest.mark.spec("ASR-093", "with what the language model and the hot words add")
def test_scorers_have_their_say():
    decoder, hidden = make()
    lengths = torch.tensor([7])
    with torch.no_grad():
        decoder.head.bias[[0, 1]] = -1000.0
    wanted = every_text(decoder, hidden[0], 3, 1.0, added)
    (found,) = ar_beam(
        decoder, hidden[:1], lengths, 300, limit=3, lm=LM, context=CONTEXT, **ENDS
    )
    likely = [(score, text) for score, text in wanted if not {0, 1} & {*text}]
    found = [one for one in found if not {0, 1} & {*one.tokens}]
    assert [tuple(one.tokens) for one in found] == [text for _, text in likely]
    assert [one.score for one in found] == pytest.approx([s for s, _ in likely])


@pytest.mark.spec("ASR-094", "a beam of one is greedy decoding")
@pytest.mark.parametrize("seed", range(4))
def test_a_beam_of_one_is_greedy(seed):
    decoder, hidden = make(seed)
    lengths = torch.tensor([7, 5, 6])
    greedy = ar_greedy(decoder, hidden, lengths, **ENDS)
    beams = ar_beam(decoder, hidden, lengths, 1, length_penalty=0.0, **ENDS)
    for one, (beam,) in zip(greedy, beams, strict=True):
        assert beam.tokens == one.tokens
        assert beam.score == pytest.approx(one.score)
        assert beam.confidence == pytest.approx(one.confidence)


@pytest.mark.spec("ASR-100", "each utterance is searched as if it were alone")
@pytest.mark.parametrize("scorers", [{}, {"lm": LM, "context": CONTEXT}])
def test_an_utterance_in_a_batch_gets_the_texts_it_gets_alone(scorers):
    decoder, hidden = make(1)
    lengths = torch.tensor([3, 7, 0])
    together = ar_beam(decoder, hidden, lengths, 3, **scorers, **ENDS)
    for row, length in enumerate(lengths):
        alone = hidden[row : row + 1, :length], lengths[row : row + 1]
        (found,) = ar_beam(decoder, *alone, 3, **scorers, **ENDS)
        assert [one.tokens for one in found] == [one.tokens for one in together[row]]
        wanted = [one.score for one in together[row]]
        assert [one.score for one in found] == pytest.approx(wanted)


class Borrowed(ARDecoder):
    """A model of transformers in place of ours; it reads all again each time."""

    def __init__(self, model, vocab, prompt):
        super().__init__(vocab, 8, 2, 1, 8)
        self.inner, self.prompt = model, prompt

    def new_cache(self, hidden, time_mask, length, beams=1):
        return Past(len(hidden) * beams, self.prompt)

    def step(self, token, cache):
        if cache.began:
            cache.text = torch.cat((cache.text, token[:, None]), 1)
        cache.began = True
        return self.inner(input_ids=cache.text).logits[:, -1]


class Past:
    def __init__(self, rows, prompt):
        self.text, self.began = prompt.expand(rows, -1), False

    def reorder(self, rows):
        self.text = self.text[rows]


@pytest.fixture(scope="module")
def gpt2():
    transformers = pytest.importorskip("transformers", reason="the reference of beams")
    torch.manual_seed(3)
    config = transformers.GPT2Config(
        vocab_size=11, n_positions=32, n_embd=8, n_layer=1, n_head=2,
        bos_token_id=0, eos_token_id=5, pad_token_id=5, initializer_range=1.5,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config).double().eval()


@pytest.mark.spec("ASR-094", "gives transformers' texts and scores")
@pytest.mark.parity("autoregressive beam", "transformers.GenerationMixin.generate")
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0, -0.5])
@pytest.mark.parametrize("width", [2, 5])
def test_beams_are_those_of_transformers(parity, gpt2, penalty, width):
    prompt = torch.tensor([[1, 3, 7]])
    theirs = gpt2.generate(
        prompt, attention_mask=torch.ones_like(prompt), num_beams=width,
        num_return_sequences=width, max_new_tokens=9, do_sample=False,
        length_penalty=penalty, early_stopping="never", output_scores=True,
        return_dict_in_generate=True,
    )  # fmt: skip
    (ours,) = ar_beam(
        Borrowed(gpt2, 11, prompt), torch.zeros(1, 20, 8), torch.tensor([20]), width,
        length_penalty=penalty, limit=9, sos=7, eos=5,
    )  # fmt: skip
    texts = [row[3:].tolist() for row in theirs.sequences]
    texts = [text[: text.index(5)] if 5 in text else text for text in texts]
    parity.value([beam.tokens for beam in ours], texts, atol=0)
    wanted = theirs.sequences_scores.tolist()
    parity.value([beam.score for beam in ours], wanted, atol=1e-5)


@pytest.mark.parametrize("search", [ar_greedy, ar_beam])
def test_no_utterances_give_no_texts(search):
    decoder, hidden = make()
    assert search(decoder, hidden[:0], torch.zeros(0, dtype=torch.long), **ENDS) == []


@pytest.mark.parametrize("search", [ar_greedy, ar_beam])
def test_a_decoder_that_knows_one_token_writes_to_the_limit(search):
    decoder = ARDecoder(1, 8, 2, 1, 8).eval()
    found = search(decoder, torch.randn(1, 4, 8), torch.tensor([4]), sos=0, eos=3)
    best = found[0] if search is ar_greedy else found[0][0]
    assert best.tokens == [0, 0, 0, 0]
    assert best.score == pytest.approx(0)


@pytest.mark.spec("ASR-088", "names the utterance")
@pytest.mark.parametrize("search", [ar_greedy, ar_beam])
def test_a_decoder_that_gives_nan_is_refused(search):
    decoder, hidden = make()
    hidden[1] = torch.nan
    with pytest.raises(ValueError, match="of utterance 1"):
        search(decoder, hidden, torch.tensor([7, 7, 7]), **ENDS)
    search(decoder, hidden, torch.tensor([7, 0, 7]), **ENDS)
