"""What holds for every tokenizer: round trips, special tokens, messages."""

from functools import cache

import numpy as np
import pytest
import torch

from src.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    TokenizerConfig,
    UnknownCharacter,
    build_tokenizer,
    save,
)
from src.utils.config import from_dict as read_config
from src.utils.errors import InputError
from tests.fuzzed_text import fuzzed


hypothesis = pytest.importorskip("hypothesis", reason="draws the bytes")
given, strategies = hypothesis.given, hypothesis.strategies

TEXT = "the cat, then the hat; 12345 naïve 中文 \U0001f469\u200d\U0001f4bb\r\n\tthe end"
SPECIALS = ["<|bos|>", "<|pad|>", "<|bos|>2"]
KINDS = ("char", "byte", "bpe")
every_kind = pytest.mark.parametrize("ours", KINDS, indirect=True)


@cache
def built(kind: str):
    return build_tokenizer(TokenizerConfig(kind, vocab_size=275), TEXT, SPECIALS)


@pytest.fixture(scope="module")
def ours(request):
    return built(request.param)


@pytest.mark.spec("SEQ-005", "any bytes")
@pytest.mark.parametrize("kind", ["byte", "bpe"])
@given(data=strategies.binary(max_size=60))
def test_any_bytes_come_back(kind, data):
    ours = built(kind)
    assert ours.decode_bytes(ours.encode_bytes(data)) == data


@pytest.mark.spec("SEQ-005", "any bytes")
@pytest.mark.parametrize("kind", ["byte", "bpe"])
def test_every_byte_and_cut_characters_come_back(kind):
    ours = built(kind)
    for data in (bytes(range(256)) * 2, TEXT.encode()[31:-3], b"the \xff\xf0\x9f the"):
        assert ours.decode_bytes(ours.encode_bytes(data)) == data
    assert ours.decode(ours.encode_bytes(b"a\xe4\xb8 b")) == "a\ufffd b"


@pytest.mark.spec("SEQ-005", "any text of its characters")
@every_kind
def test_text_comes_back(ours):
    assert ours.decode(ours.encode(TEXT)) == TEXT
    assert ours.encode("") == [] and ours.decode([]) == ""
    assert ours.encode_array("").shape == (0,)


@pytest.mark.spec("SEQ-005", "any bytes")
@pytest.mark.parametrize("kind", ["byte", "bpe"])
def test_fuzzed_text_comes_back_with_and_without_special_tokens(kind):
    for text in fuzzed(300, seed=12):
        text = text.replace("<|eos|>", "<|bos|>")
        assert built(kind).decode(built(kind).encode(text)) == text
        assert built(kind).decode(built(kind).encode(text, "all")) == text


@pytest.mark.spec("SEQ-005", "the same ids as an array of int32 that may be written")
@every_kind
def test_the_array_has_the_same_ids(ours):
    array = ours.encode_array(TEXT)
    assert array.dtype == np.int32 and array.tolist() == ours.encode(TEXT)
    array += 0
    assert ours.encode_array(TEXT).tolist() == array.tolist()
    for ids in (array, torch.from_numpy(array), iter(array.tolist())):
        assert ours.decode(ids) == TEXT


@pytest.mark.spec("SEQ-006", "plain text unless it is allowed")
@every_kind
def test_a_special_name_is_plain_text_unless_allowed(ours):
    text = "the<|pad|>" if "<" in TEXT or ours is not built("char") else "the"
    plain = ours.encode(text)
    assert not set(plain) & set(ours.specials.values())
    assert ours.encode("the<|pad|>", {"<|pad|>"})[-1] == ours.specials["<|pad|>"]
    assert ours.decode(ours.encode("<|pad|>the", "all")) == "<|pad|>the"


@pytest.mark.spec("SEQ-006", "of two that fit the longer")
@every_kind
def test_of_two_special_tokens_the_longer_is_taken(ours):
    bos, longer = ours.specials["<|bos|>"], ours.specials["<|bos|>2"]
    assert ours.encode("<|bos|>2<|bos|>", "all") == [longer, bos]
    assert ours.encode("<|bos|>2", {"<|bos|>"}) == [bos, *ours.encode("2")]


@pytest.mark.spec("SEQ-006", "stands for no bytes")
@every_kind
def test_special_tokens_stand_at_the_end_and_for_no_bytes(ours):
    last = range(ours.vocab_size - 3, ours.vocab_size)
    assert list(ours.specials.items()) == list(zip(SPECIALS, last, strict=True))
    assert ours.token_bytes()[-3:] == [b""] * 3
    joined = b"".join(ours.token_bytes()[i] for i in ours.encode(TEXT, "all"))
    assert joined == TEXT.encode()


@pytest.mark.spec("SEQ-006", "a name that is none is refused")
@every_kind
def test_an_unknown_special_name_cannot_be_allowed(ours):
    with pytest.raises(ValueError, match=r"'<\|eos\|>'.* are not special.*<\|bos\|>"):
        ours.encode("the", {"<|eos|>"})


@every_kind
def test_special_tokens_are_added_at_the_end_once(ours):
    more = ours.with_specials(["<|pad|>", "<|sep|>"])
    assert more.specials == {**ours.specials, "<|sep|>": ours.vocab_size}
    assert more.encode(TEXT) == ours.encode(TEXT)
    assert more.encode("<|sep|>", "all") == [ours.vocab_size]


@pytest.mark.parametrize("names", [["<|a|>", "<|a|>"], [""]])
def test_bad_names_of_special_tokens_are_refused(names):
    with pytest.raises(InputError, match="is empty or stands twice"):
        ByteTokenizer(names)


@every_kind
def test_an_id_that_does_not_exist_is_refused(ours):
    for wrong in (-1, ours.vocab_size):
        with pytest.raises(ValueError, match=f"id {wrong} is not one of 0 .. "):
            ours.decode([0, wrong])


@pytest.mark.spec("SEQ-009", "names it, its code point and its position")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("the cat€", r"'€' \(U\+20AC, EURO SIGN\) at position 7, after 'the cat'"),
        ("the\x00", r"'\\x00' \(U\+0000, without a name\) at position 3"),
        ("\U0001f600", r"\(U\+1F600, GRINNING FACE\) at position 0, after ''"),
        ("!the", r"'!' \(U\+0021, EXCLAMATION MARK\) at position 0"),
        ("t\ud800", r"'\\ud800' \(U\+D800, without a name\) at position 1"),
    ],
)
def test_an_unknown_character_is_named(text, named):
    with pytest.raises(UnknownCharacter, match=named + ".*kind byte or bpe"):
        built("char").encode(text)


@pytest.mark.spec("SEQ-009", "its position")
def test_the_position_counts_from_the_beginning_of_the_text():
    with pytest.raises(UnknownCharacter, match="at position 11,"):
        built("char").encode("the <|bos|>€", "all")


@pytest.mark.spec("SEQ-010", "An empty text")
@pytest.mark.parametrize("kind", ["char", "bpe"])
@pytest.mark.parametrize("text", ["", [], ["", ""]])
def test_a_tokenizer_is_not_made_from_nothing(kind, text):
    with pytest.raises(InputError, match="training text is empty.*kind byte"):
        build_tokenizer(TokenizerConfig(kind), text)


@pytest.mark.spec("SEQ-010", "a vocabulary without room for the bytes")
def test_a_vocabulary_too_small_is_refused():
    assert BPETokenizer.train(["the the"], 258, specials=["<a>", "<b>"]).merges == []
    with pytest.raises(InputError, match="257 is too small: .*at least 258"):
        BPETokenizer.train(["the the"], 257, specials=["<a>", "<b>"])
    with pytest.raises(InputError, match="vocab_size must be at least 256.*got 255"):
        read_config(TokenizerConfig, {"vocab_size": 255})


@pytest.mark.parametrize("kind", ["byte", "bpe"])
def test_half_of_a_surrogate_pair_is_refused(kind):
    with pytest.raises(InputError, match=r"U\+D800, after 'the ?c?': UTF-8 cannot"):
        built(kind).encode("the\ud800")
    with pytest.raises(InputError, match=r"U\+D800"):
        BPETokenizer.train(["the\ud800"], 300)


def test_texts_in_several_strings_are_read_once():
    parts = iter(["the ", "cat ", "the "])
    assert CharTokenizer.train(parts).characters == " aceht"
    ours = BPETokenizer.train(iter(["the cat", "the"]), 258)
    assert ours.token_bytes()[256:] == [b"he", b"the"]


def test_bytes_are_their_own_ids():
    assert ByteTokenizer().encode("aé") == [97, 195, 169]
    assert CharTokenizer("ba", ["<|pad|>"]).encode("ab") == [0, 1]


def test_a_saved_tokenizer_is_taken_instead_of_the_text(tmp_path):
    save(built("bpe"), tmp_path / "bpe.json")
    config = TokenizerConfig(file=str(tmp_path / "bpe.json"))
    ours = build_tokenizer(config, "other text", ["<|pad|>", "<|sep|>"])
    assert ours.encode(TEXT) == built("bpe").encode(TEXT)
    assert list(ours.specials) == [*SPECIALS, "<|sep|>"]
