"""toy_shapes: keys, geometry, colours and the contact sheet."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from src.data import toy, toy_shapes
from src.data.toy import ToyConfig
from src.data.toy_cue import ToyCue
from src.data.toy_shapes import EASY_COLOURS, ToyShapes, inside, render


PROJECT = Path(__file__).resolve().parents[1]
BOTH = pytest.mark.parametrize("kind", [ToyShapes, ToyCue])
VARIANTS = pytest.mark.parametrize("variant", ["easy", "shape_only", "hard"])


def digest(sample: dict) -> bytes:
    return sample["image"].numpy().tobytes() + sample["target"].numpy().tobytes()


@BOTH
@pytest.mark.spec("SEG-020", "the same bytes in any order of calls")
@VARIANTS
def test_an_image_depends_on_its_key_alone(kind, variant):
    if variant not in kind.variants:
        variant = "easy"
    config = ToyConfig(variant=variant, n_train=8)
    forward = [digest(kind(config, "train", 3)[i]) for i in range(8)]
    data = kind(config, "train", 3)
    backward = [digest(data[(0, i)]) for i in reversed(range(8))]
    assert forward == backward[::-1]
    assert len(set(forward)) == 8
    torch.manual_seed(5)
    np.random.seed(5)
    assert digest(data[2]) == forward[2]


@pytest.mark.spec("SEG-020", "with any number of workers")
def test_workers_change_nothing():
    data = ToyShapes(ToyConfig(n_train=8, fresh=True), "train", 0)
    keys = [(1, i) for i in (5, 2, 7, 0)]
    runs = [
        [
            digest({k: v[0] for k, v in batch.items()})
            for batch in DataLoader(data, sampler=keys, num_workers=workers)
        ]
        for workers in (0, 1, 2)
    ]
    assert runs[0] == runs[1] == runs[2]


@BOTH
@pytest.mark.spec("SEG-021", "No image of one split occurs in another split")
def test_splits_and_seeds_share_no_image(kind):
    config = ToyConfig(n_train=60, n_val=60, n_test=60)
    images = [
        kind.render(config, seed, split, index)[0].tobytes()
        for seed in (0, 1)
        for split in ("train", "val", "test")
        for index in range(60)
    ]
    assert len(set(images)) == len(images)


@BOTH
@pytest.mark.spec("SEG-022", "never new validation or test images")
def test_fresh_draws_new_training_images_only(kind):
    for fresh in (False, True):
        config = ToyConfig(fresh=fresh)
        for split in ("train", "val", "test"):
            data = kind(config, split, 0)
            same = digest(data[(0, 1)]) == digest(data[(1, 1)])
            assert same == (not (fresh and split == "train"))
    old = kind(ToyConfig(fresh=False), "train", 0)
    assert digest(old[1]) == digest(kind(ToyConfig(fresh=True), "train", 0)[(0, 1)])


@pytest.mark.spec("SEG-023", "have the area pi r^2")
@pytest.mark.parametrize("angle", [0.0, 0.3, 2.0])
@pytest.mark.parametrize(
    ("kind", "reach"),
    [(1, 1.0), (2, np.sqrt(np.pi / 2)), (3, 2 * np.sqrt(np.pi / np.sqrt(27)))],
)
def test_shapes_have_the_area_and_the_corners_of_geometry(kind, reach, angle):
    size, row, column, radius = 256, 120.3, 131.8, 60.0
    mask = inside(kind, size, row, column, radius, angle)
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.01)
    rows, columns = np.nonzero(mask)
    assert rows.mean() == pytest.approx(row, abs=0.5)
    assert columns.mean() == pytest.approx(column, abs=0.5)
    distance = np.hypot(rows - row, columns - column)
    assert distance.max() == pytest.approx(reach * radius, abs=1.5)
    if kind != 1:
        corner, sector = (
            distance.argmax(),
            np.pi / (6 - kind),
        )  # half the angle of a side
        turn = np.arctan2(rows[corner] - row, columns[corner] - column) - angle
        assert turn % (2 * sector) == pytest.approx(sector, abs=0.05)


@pytest.mark.spec("SEG-023", "later shapes hide earlier ones")
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_later_shape_hides_the_earlier(monkeypatch, order):
    shapes = [
        (order[0], 30.0, 26.0, 12.0, 0.1),
        (order[1], 30.0, 36.0, 9.0, 0.7),
    ]
    monkeypatch.setattr(toy_shapes, "_place", lambda size, rng: shapes)
    image, target = render(ToyConfig(), 0, "train", 0)
    back, front = (inside(kind, 64, *rest) for kind, *rest in shapes)
    assert (back & front).sum() > 50
    expected = np.where(front, order[1], np.where(back, order[0], 0))
    np.testing.assert_array_equal(target, expected)
    colour = image[:, back & front].mean(1)
    assert np.abs(colour - EASY_COLOURS[order[1]]).max() < 0.06


def test_the_colour_of_easy_tells_the_class():
    agree = []
    for index in range(20):
        image, target = render(ToyConfig(), 0, "val", index)
        distance = np.linalg.norm(
            image[:, None] - EASY_COLOURS.T[:, :, None, None], axis=0
        )
        agree.append(distance.argmin(0) == target)
    assert np.mean(agree) > 0.99


def test_the_colour_of_shape_only_does_not_tell_the_class():
    bright = {1: [], 2: [], 3: []}
    for index in range(150):
        image, target = render(ToyConfig(variant="shape_only"), 0, "train", index)
        for kind in np.unique(target[target > 0]):
            bright[kind].append(image[:, target == kind].mean(1))
    means = np.stack([np.mean(colours, 0) for colours in bright.values()])
    assert np.ptp(means, axis=0).max() < 0.12
    assert means.min() > 0.45


def test_a_hard_shape_stands_out_from_its_background():
    for index in range(40):
        image, target = render(ToyConfig(variant="hard"), 0, "train", index)
        behind = image[:, target == 0].mean(1)
        for kind in np.unique(target[target > 0]):
            shape = image[:, target == kind].mean(1)
            assert np.linalg.norm(shape - behind) > 0.1
    assert image.std() > 0.15


@VARIANTS
def test_images_hold_one_to_four_shapes_of_every_class(variant):
    config = ToyConfig(variant=variant)
    drawn = [render(config, 0, "train", index) for index in range(60)]
    assert all(i.dtype == np.float32 and t.dtype == np.int64 for i, t in drawn)
    assert all(0 <= i.min() and i.max() <= 1 and t.max() > 0 for i, t in drawn)
    assert set(np.unique([t for _, t in drawn])) == {0, 1, 2, 3}
    counts = [len(toy_shapes._place(64, np.random.default_rng(s))) for s in range(80)]
    assert set(counts) == {1, 2, 3, 4}


@BOTH
def test_info_describes_the_first_training_images(kind):
    config = ToyConfig(n_train=100)
    infos = [kind(config, split, 2).info for split in ("train", "val", "test")]
    assert infos[0] == infos[1] == infos[2]
    drawn = [kind.render(config, 2, "train", i) for i in range(64)]
    assert sum(infos[0].class_pixels) == 64 * 64 * 64
    for label, pixels in enumerate(infos[0].class_pixels):
        assert pixels == sum((t == label).sum() for _, t in drawn)
    data = kind(config, "train", 2)
    images = torch.stack([data[i]["image"] for i in range(64)])
    assert images.mean((0, 2, 3)).abs().max() < 1e-4
    assert (images.std((0, 2, 3)) - 1).abs().max() < 1e-3
    others = [
        kind(ToyConfig(n_train=100), "val", 3),
        kind(ToyConfig(size=96), "val", 2),
    ]
    prints = {infos[0].fingerprint, *(other.info.fingerprint for other in others)}
    assert len(prints) == 3 and all(len(text) == 64 for text in prints)


def test_length_and_bounds():
    data = ToyShapes(ToyConfig(n_val=5), "val", 0)
    assert len(data) == 5 and len(list(data)) == 5
    with pytest.raises(IndexError, match="index 5 of 5 val images"):
        data[(0, 5)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"variant": "soft"}, "variant is 'soft'"),
        ({"size": 31}, "size is 31"),
        ({"n_val": 0}, "n_val is 0"),
    ],
)
def test_a_wrong_field_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        ToyConfig(**arguments)


def test_a_wrong_split_or_seed_is_named():
    with pytest.raises(ValueError, match="split is 'all'"):
        ToyShapes(ToyConfig(), "all", 0)
    with pytest.raises(ValueError, match="seed is -1"):
        ToyShapes(ToyConfig(), "val", -1)


@pytest.mark.spec("SEG-024", "writes a contact sheet")
def test_the_command_writes_a_contact_sheet(tmp_path):
    out = tmp_path / "deep" / "sheet.png"
    command = [
        sys.executable,
        "-m",
        "src.data.toy_shapes",
        "--debug",
        "--out",
        str(out),
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "triangle" in done.stdout and "CPU ms an image" in done.stdout


@pytest.mark.spec("SEG-024", "a bad argument ends with exit code 2")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--debug", "--variant", "soft"],
        ["--debug", "--seed", "-1"],
        ["--debug", "--seed", "x"],
        ["--debug", "--out", "/dev/null/x.png"],
    ],
)
def test_a_bad_argument_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        toy.debug(ToyShapes, "toy_shapes", arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.strip()
