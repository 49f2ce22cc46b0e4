"""`open_data`: three parts for each kind of data, and what the checkpoint carries."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.data import AugmentConfig, DataConfig, batches, open_data, read_inputs
from src.utils.config import from_dict, to_dict
from src.utils.errors import InputError
from tests.test_data_idx import write_set
from tests.test_data_images import make


CANCER = str(Path(__file__).resolve().parents[1] / "data" / "breast_cancer.csv")
TEXT = "to be, or not to be: that is the question\n" * 20


@pytest.fixture
def configs(tmp_path):
    """A small configuration of each kind of data."""
    (tmp_path / "t.txt").write_text(TEXT)
    (tmp_path / "words").mkdir()
    for part, lines in (("train", 20), ("test", 4)):
        rows = [
            f"{'pos' if i % 2 else 'neg'}\tword{'abc'[i % 3]} it\n"
            for i in range(lines)
        ]
        (tmp_path / "words" / f"{part}.tsv").write_text("".join(rows))
    idx = str(write_set(tmp_path / "idx", 40, 9))
    pets = str(make(tmp_path / "pets"))
    cache = str(tmp_path / "cache")
    return {
        "points": DataConfig("points", count=30),
        "spiral": DataConfig("points", points="spiral", count=30),
        "digits": DataConfig("digits", count=40, augment=AugmentConfig(2)),
        "idx": DataConfig("idx", idx, val_size=7),
        "image_folder": DataConfig("image_folder", pets, cache=cache),
        "table": DataConfig("table", CANCER, target="diagnosis"),
        "text": DataConfig("text", str(tmp_path / "t.txt"), block=8, val_windows=3),
        "sentiment": DataConfig("sentiment", count=40),
        "words": DataConfig("sentiment", str(tmp_path / "words")),
    }


KINDS = "points spiral digits idx image_folder table text sentiment words".split()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_gives_batches_and_plain_information(configs, kind):
    splits = open_data(configs[kind], 0)
    for part in (splits.train, splits.val, splits.test):
        batch = next(batches(part, 4, 0, 0))
        assert batch.labels.dtype == np.int64 and len(batch.labels)
        words = kind in ("text", "sentiment", "words")
        assert batch.features.dtype == (np.int64 if words else np.float32)
        shape = [a for a in splits.info["input_shape"] if a is not None]
        assert list(batch.features.shape[1:])[: len(shape)] == shape
    assert json.loads(json.dumps(splits.info)) == splits.info
    assert splits.info["name"] == configs[kind].name
    again = open_data(configs[kind], 0)
    assert again.fingerprint == splits.fingerprint and again.info == splits.info


@pytest.mark.parametrize("kind", KINDS)
def test_the_config_can_be_written_down(configs, kind):
    assert from_dict(DataConfig, to_dict(configs[kind])) == configs[kind]


def content(part) -> set:
    features = part.features
    return {np.asarray(row).tobytes() for row in features}


@pytest.mark.spec("AGE-079", "validation samples are taken from the training part")
def test_idx_validates_on_training_images(configs):
    splits = open_data(configs["idx"], 0)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (36, 4, 9)
    assert not content(splits.train) & content(splits.val)
    values = {
        v for part in (splits.train, splits.val) for v in part.features[:, 0, 0, 0]
    }
    assert values == set(range(40))
    other = open_data(configs["idx"], 1)
    assert content(other.val) != content(splits.val)
    assert content(other.test) == content(splits.test)


@pytest.mark.spec("AGE-079", "as are mean, deviation")
def test_statistics_are_those_of_the_training_images(configs):
    splits = open_data(configs["idx"], 0)
    train = splits.train.features / 255
    assert splits.info["mean"] == pytest.approx([train.mean()])
    assert splits.info["std"] == pytest.approx([train.std()])
    (batch,) = batches(splits.train, 99, 0, 0)
    assert batch.features.mean() == pytest.approx(0, abs=1e-5)
    assert batch.features.std() == pytest.approx(1, abs=1e-5)


@pytest.mark.spec("AGE-079", "as are mean, deviation")
def test_a_table_is_split_by_folds_and_scaled_by_its_training_rows(configs):
    tests = []
    for fold in range(10):
        config = DataConfig("table", CANCER, target="diagnosis", fold=fold)
        splits = open_data(config, 3)
        tests.append(content(splits.test))
        assert len(splits.train) + len(splits.val) + len(splits.test) == 569
        np.testing.assert_allclose(splits.train.features.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(splits.train.features.std(0), 1, atol=1e-5)
        assert abs(splits.val.features.mean(0)).max() > 1e-3
    assert sum(map(len, tests)) == 569


@pytest.mark.spec("AGE-079", "the vocabulary of words")
def test_words_are_those_of_the_training_sentences(tmp_path):
    (tmp_path / "train.tsv").write_text("pos\tgood\nneg\tbad\n" * 10)
    (tmp_path / "test.tsv").write_text("pos\tsplendid\n")
    splits = open_data(DataConfig("sentiment", str(tmp_path)), 0)
    assert splits.info["vocabulary"] == ["<pad>", "<unk>", "bad", "good"]
    assert splits.test.features[0].tolist() == [1]
    (tmp_path / "test.tsv").write_text("mixed\tgood\n")
    with pytest.raises(InputError, match="the test sentences have the label 'mixed'"):
        open_data(DataConfig("sentiment", str(tmp_path)), 0)


def test_made_up_parts_differ(configs):
    for kind in ("points", "spiral", "digits"):
        splits = open_data(configs[kind], 0)
        parts = [content(p) for p in (splits.train, splits.val, splits.test)]
        assert not parts[0] & parts[1] and not parts[1] & parts[2], kind


def test_a_text_is_validated_in_part_and_tested_whole(configs):
    splits = open_data(configs["text"], 0)
    held = len(TEXT) - int(len(TEXT) * 0.9)
    assert len(splits.val) == 3 and (splits.test.labels >= 0).sum() == held - 1
    assert len(splits.train) == int(len(TEXT) * 0.9) - 8
    text = DataConfig("text", configs["text"].root, block=8, epoch_windows=50)
    assert open_data(text, 0).train.epoch_size == 50


def test_only_training_images_are_varied(configs):
    splits = open_data(configs["digits"], 0)
    for part, varied in (
        (splits.train, True),
        (splits.val, False),
        (splits.test, False),
    ):
        one, two = (next(batches(part, 20, 0, e, shuffle=False)) for e in (0, 1))
        assert (one.features.tobytes() != two.features.tobytes()) == varied


@pytest.mark.spec("AGE-079", "is enough to read new inputs")
def test_new_inputs_are_read_as_the_test_set_was(configs, tmp_path):
    for kind in ("idx", "image_folder"):
        splits = open_data(configs[kind], 0)
        batch = next(batches(splits.test, 1, 0, 0, shuffle=False))
        image = splits.test.features[0].transpose(1, 2, 0)
        folder = tmp_path / f"new-{kind}"
        folder.mkdir()
        Image.fromarray(image.squeeze()).save(folder / "x.png")
        for path in (folder, folder / "x.png"):
            features, names = read_inputs(path, splits.info)
            np.testing.assert_array_equal(features, batch.features)
            assert names == ["x.png"]


@pytest.mark.spec("AGE-079", "is enough to read new inputs")
def test_new_rows_sentences_and_texts_are_read(configs, tmp_path):
    table, path = open_data(configs["table"], 0), tmp_path / "new"
    lines = Path(CANCER).read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[1:4]]))
    features, names = read_inputs(path, table.info)
    everything = np.concatenate(
        [p.features for p in (table.train, table.val, table.test)]
    )
    assert {row.tobytes() for row in features} <= {row.tobytes() for row in everything}
    assert names == ["row 1", "row 2", "row 3"]
    path.write_text("y,x\n1,0.5\n")
    points, _ = read_inputs(path, open_data(configs["points"], 0).info)
    assert points.tolist() == [[0.5, 1.0]] and points.dtype == np.float32
    path.write_text("wordb IT\n\nnew\n")
    words, names = read_inputs(path, open_data(configs["words"], 0).info)
    assert [w[1] if len(w) > 1 else w[0] for w in words] == [2, 1] and len(names) == 2
    path.write_text("question")
    text, _ = read_inputs(path, open_data(configs["text"], 0).info)
    assert text.shape == (1, 8)


def test_new_inputs_that_do_not_fit_are_refused(configs, tmp_path):
    info = open_data(configs["idx"], 0).info
    Image.new("L", (4, 6)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"x.png: is 6x4 .* trained on 5x4; scale it"):
        read_inputs(tmp_path / "x.png", info)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none: has no file that ends with .png"):
        read_inputs(tmp_path / "none", info)
    (tmp_path / "s.txt").write_text("\n \n")
    with pytest.raises(InputError, match="has no sentences"):
        read_inputs(tmp_path / "s.txt", open_data(configs["words"], 0).info)


WRONG = [
    ({"batch_size": 0}, "batch_size = 0: must be >= 1"),
    ({"fold": 10}, "fold = 10: must be < folds = 10"),
    ({"folds": 2}, "folds = 2: must be >= 3"),
    ({"channels": 2}, "channels = 2: must be 1 or 3"),
    ({"name": "idx"}, "root is empty: idx needs the path of its data"),
    ({"name": "mnist"}, "name = 'mnist': one of"),
    (
        {"name": "points", "points": "spiral", "count": 31},
        "must be even for the spiral",
    ),
    ({"noise": -0.1}, "noise = -0.1: must be >= 0"),
]


@pytest.mark.parametrize("fields, words", WRONG)
def test_an_impossible_configuration_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        DataConfig(**fields)


def test_a_class_too_rare_for_the_folds_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,target\n" + "1,a\n" * 30 + "2,b\n" * 3)
    with pytest.raises(InputError, match="the class 'b' of target has 3 of 33 rows"):
        open_data(DataConfig("table", str(path)), 0)
