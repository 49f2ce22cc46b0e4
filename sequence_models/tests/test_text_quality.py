"""The figures of text quality, by hand and by formula, and the table of both texts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data import DataConfig, open_data
from src.data.memmap import write_tokens
from src.data.toy_grammar import write_stories
from src.inference.predictor import Predictor, load_predictor
from src.inference.quality import compare, pieces_of, quality_table
from src.metrics import text_quality as q
from src.tokenizers import TokenizerConfig, build_tokenizer
from src.training.load import Loaded, reopen_data
from src.training.task import Config
from src.utils.errors import InputError
from tests.test_infer import saved  # noqa: F401 (a fixture)


def brute_bleu(text, references, n=4):
    """Papineni's equations read literally, with loops in place of counters."""
    precisions = []
    for k in range(1, n + 1):
        grams = [tuple(text[i : i + k]) for i in range(len(text) - k + 1)]
        clipped = 0
        for gram in set(grams):
            most = 0
            for other in references:
                there = [tuple(other[i : i + k]) for i in range(len(other) - k + 1)]
                most = max(most, there.count(gram))
            clipped += min(grams.count(gram), most)
        precisions.append(clipped / len(grams) if grams else 0)
    if min(precisions) == 0:
        return 0.0
    c = len(text)
    r = sorted(map(len, references), key=lambda length: (abs(length - c), length))[0]
    brevity = 1 if c >= r else math.exp(1 - r / c)
    return brevity * math.prod(precisions) ** (1 / n)


@pytest.mark.spec("SEQ-099", "are those of their definitions")
def test_papineni_s_own_examples():
    # Section 2.1: modified unigram precision 2/7; section 2.1.1: candidate 1 has 17/18.
    the = ["the"] * 7
    references = ["the cat is on the mat".split(), "there is a cat on the mat".split()]
    assert q.bleu(the, references, 1) == pytest.approx(2 / 7)
    one = (
        "it is a guide to action which ensures that the military always obeys the "
        "commands of the party"
    ).split()
    three = [
        "it is a guide to action that ensures that the military will forever heed "
        "party commands",
        "it is the guiding principle which guarantees the military forces always being "
        "under the command of the party",
        "it is the practical guide for the army always to heed the directions of the "
        "party",
    ]
    cut = [reference.split() for reference in three]
    assert q.bleu(one, cut, 1) == pytest.approx(17 / 18)
    assert q.bleu(one, cut, 2) == pytest.approx(math.sqrt(17 / 18 * 10 / 17))


@pytest.mark.spec("SEQ-099", "are those of their definitions")
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=9), min_size=2, max_size=4))
def test_bleu_and_self_bleu_are_the_equations(texts):
    for i, text in enumerate(texts):
        others = texts[:i] + texts[i + 1 :]
        assert q.bleu(text, others) == pytest.approx(brute_bleu(text, others))
    mean = sum(
        brute_bleu(text, texts[:i] + texts[i + 1 :]) for i, text in enumerate(texts)
    ) / len(texts)
    assert q.self_bleu(texts) == pytest.approx(mean)


@pytest.mark.spec("SEQ-099", "are those of their definitions")
def test_counts_by_hand():
    texts = [list("abab"), list("abc")]
    assert q.distinct(texts, 1) == 3 / 7
    assert q.distinct(texts, 2) == 3 / 5  # ab ba ab | ab bc
    assert q.repetition(texts, 2) == pytest.approx(1 / 5)  # within a text only
    assert q.repetition([list("aaaaaa")], 4) == pytest.approx(2 / 3)
    assert q.word_validity([["a", "b"], ["a"]], {"a"}) == 2 / 3
    same = [list("abcde")] * 3
    assert q.self_bleu(same) == pytest.approx(1)
    assert q.self_bleu([list("abcd"), list("efgh")]) == 0


@pytest.mark.spec("SEQ-099", "NaN where there is nothing to count")
def test_of_nothing_nothing_is_said():
    assert math.isnan(q.distinct([], 1)) and math.isnan(q.distinct([["a"]], 2))
    assert math.isnan(q.repetition([["a"]], 4))
    assert math.isnan(q.self_bleu([["a"]]))
    assert math.isnan(q.word_validity([], {"a"}))
    figures = q.quality([], "train")
    assert figures.keys() == q.MEANING.keys() and figures["longest_copy"] == 0


def test_words_are_runs_of_letters():
    text = "Don't  STOP—it's 3 o\u2019clock, naïve_cat 'quoted'"
    assert q.words(text) == [
        "don't", "stop", "it's", "3", "o\u2019clock", "naïve", "cat", "quoted",
    ]  # fmt: skip


def test_the_whole_table():
    train = "the cat sat on the mat and the dog ran"
    figures = q.quality(["the cat sat on a log", "zzz qqq"], train)
    assert figures["longest_copy"] == len("the cat sat on ")
    assert figures["word_validity"] == 4 / 8
    assert figures["distinct_1"] == 1
    assert figures["mean_copy"] == (15 + 1) / 2


@pytest.mark.spec("SEQ-100", "as many and as long pieces of the validation text")
def test_figures_stand_beside_those_of_real_text(saved):  # noqa: F811
    predictor = load_predictor(saved("gpt"))
    data = reopen_data(predictor.loaded).datasets
    train, val = (
        predictor.text(data[part].tokens.tolist()) for part in ("train", "val")
    )
    copied = [train[40:140], train[300:400], train[500:560]]
    figures = compare(predictor, copied)
    assert figures["generated"] == q.quality(copied, train)
    assert figures["generated"]["longest_copy"] == 100
    assert figures["generated"]["word_validity"] > 0.9
    real = pieces_of(val, [100, 100, 60])
    assert figures["held_out"] == q.quality(real, train)
    assert all(piece in val for piece in real) and len(set(real)) == 3
    assert [len(piece) for piece in real] == [100, 100, 60]
    lines = quality_table(figures).splitlines()
    assert lines[0].split() == ["written", "held", "out"]
    assert [line.split()[0] for line in lines[1:]] == list(q.MEANING)


@pytest.mark.parametrize("name", ["memmap", "documents"])
def test_token_files_and_packed_documents_are_compared_too(tmp_path, name):
    file, text = tmp_path / "text.txt", write_stories(0, 12)
    file.write_text(text)
    if name == "memmap":
        file = tmp_path / "tokens.bin"
        tokenizer = build_tokenizer(TokenizerConfig(), text)
        write_tokens(file, [tokenizer.encode_array(text)], tokenizer.to_dict())
    config = Config(data=DataConfig(name=name, root=str(file), val_share=0.3))
    opened = open_data(config.data, "lm", 0)
    loaded = Loaded(None, config, opened.info, opened.tokenizer, {})
    predictor = Predictor(None, config, opened.info, opened.tokenizer, loaded)
    figures = compare(predictor, [text[40:140], "zzz"])
    assert figures["generated"]["longest_copy"] == 100
    assert 0 < figures["held_out"]["word_validity"] <= 1


def test_a_validation_text_that_is_too_short_is_named():
    with pytest.raises(InputError, match="has 5 characters, fewer than a written one"):
        pieces_of("short", [9, 2])
    assert pieces_of("whole", [5]) == ["whole"]
