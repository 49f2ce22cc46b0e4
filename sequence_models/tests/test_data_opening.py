"""From a configuration to the splits: what is held out, kept and told."""

import logging

import numpy as np
import pytest

from src.data import DataConfig, open_data
from src.data.memmap import open_tokens, write_tokens
from src.tokenizers import ByteTokenizer, CharTokenizer, TokenizerConfig
from src.utils.errors import InputError


BYTES = TokenizerConfig(kind="byte")


def decoded(opened, split):
    """The text that a split predicts."""
    data = opened.datasets[split]
    targets = data.__getitems__([(0, i) for i in range(len(data))])["targets"]
    return opened.tokenizer.decode(targets[targets >= 0])


@pytest.mark.parametrize("share", [0.1, 0.99])
def test_each_file_ends_a_document_and_one_is_always_left_to_train_on(tmp_path, share):
    (tmp_path / "a.txt").write_text("first\n\nsecond")
    (tmp_path / "b.txt").write_text("third")
    config = DataConfig("documents", str(tmp_path), tokenizer=BYTES, val_share=share)
    opened = open_data(config, "lm", 0)
    kept = decoded(opened, "train").split("<|bos|>")
    held = decoded(opened, "val").split("<|bos|>")
    assert sorted(filter(None, kept + held)) == ["first", "second", "third"]
    assert len(list(filter(None, held))) == (1 if share == 0.1 else 2)


def test_a_token_file_brings_its_tokenizer_and_its_checksum(tmp_path):
    path, tokenizer = tmp_path / "a.bin", CharTokenizer("abcd")
    write_tokens(path, [np.arange(400) % 4], tokenizer.to_dict())
    config = DataConfig("memmap", str(path), block=8)
    opened = open_data(config, "lm", 0, CharTokenizer("abcd"))
    assert opened.tokenizer.to_dict() == tokenizer.to_dict()
    assert opened.info.fingerprint == open_tokens(path).checksum
    assert decoded(opened, "val") == ("abcd" * 10)[1:]
    for other in (CharTokenizer("abce"), ByteTokenizer()):
        with pytest.raises(InputError, match="a.bin: its ids are of another tokenizer"):
            open_data(config, "lm", 0, other)


def test_texts_that_are_cut_are_told(tmp_path, caplog):
    rows = [f"{'x' * n},{n % 2}" for n in range(1, 21)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *rows]))
    config = DataConfig("labelled", str(tmp_path / "a.csv"), block=12, tokenizer=BYTES)
    with caplog.at_level(logging.INFO, "run"):
        opened = open_data(config, "classify", 0)
    cut = {split: data.cut for split, data in opened.datasets.items()}
    assert sum(cut.values()) == 8
    assert f"train: {cut['train']} texts have more than data.block = 12" in caplog.text
