"""Decoded images are kept: whole, of these files, filled by one process at a time."""

import json
import multiprocessing
import os
import pickle
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from src.data import image_folder
from src.data.image_cache import ImageRows, map_images, write_images
from src.data.image_folder import open_image_folder
from src.utils.errors import FaultError, InputError
from tests.forked import LIMIT, in_fork, wait
from tests.image_sets import pixels_of, same_source, square, write_folder


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "pets")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "runs" / "cache"


def opened(root, cache, channels=3):
    return open_image_folder(root, 0, channels, cache)


def forbid(monkeypatch):
    monkeypatch.setattr(image_folder, "decode_image", None)


@pytest.mark.spec("CNN-036", "decoded once")
def test_the_second_time_nothing_is_decoded(root, cache, monkeypatch):
    plain, first = opened(root, None), opened(root, cache)
    assert same_source(plain, first)
    forbid(monkeypatch)
    assert same_source(opened(root, cache), first)
    with pytest.raises(TypeError):  # another number of channels is decoded anew
        opened(root, cache, 1)


@pytest.mark.spec("CNN-036", "or of other files")
@pytest.mark.parametrize("change", ("pixels", "time", "new", "renamed", "removed"))
def test_a_changed_source_is_decoded_anew(root, cache, change):
    first = opened(root, cache)
    path = root / "train" / "cat" / "0.png"
    if change == "pixels":
        Image.fromarray(square(99)).save(path)
        os.utime(path, ns=(1, 1))
    elif change == "time":
        os.utime(path, ns=(1, 1))
    elif change == "new":
        Image.fromarray(square(99)).save(root / "train/cat/new.png")
    elif change == "renamed":
        path.rename(root / "train/cat/zero.png")
    else:
        path.unlink()
    assert same_source(opened(root, cache), opened(root, None))
    assert len(list(cache.glob("*.npy"))) == 2
    assert same_source(opened(root, cache), first) == (change == "time")


@pytest.mark.spec("CNN-036", "damaged anywhere")
def test_a_cache_damaged_anywhere_is_made_anew(root, cache):
    first = opened(root, cache)
    for path in (*cache.glob("*.npy"), *cache.glob("*.json")):
        whole = path.read_bytes()
        for place in range(0, len(whole), len(whole) // 6):
            damaged = bytearray(whole)
            damaged[place] ^= 0x55
            path.write_bytes(damaged)
            assert same_source(opened(root, cache), first), place
            assert path.read_bytes() == whole
        for size in (0, len(whole) - 1):
            path.write_bytes(whole[:size])
            assert same_source(opened(root, cache), first), size
        path.unlink()
        assert same_source(opened(root, cache), first)
    assert {path.suffix for path in cache.iterdir()} == {".npy", ".json", ".lock"}


def test_the_cache_of_another_source_counts_as_absent(root, cache, tmp_path):
    other = write_folder(tmp_path / "others", (("train", 1),))
    opened(root, cache)
    (notes,) = cache.glob("*.json")
    (images,) = cache.glob("*.npy")
    first = opened(other, cache)
    (own,) = set(cache.glob("*.json")) - {notes}
    notes.replace(own)
    images.replace(own.with_suffix(".npy"))
    assert same_source(opened(other, cache), first)


def test_notes_that_are_no_notes_count_as_absent(root, cache):
    first = opened(root, cache)
    (notes,) = cache.glob("*.json")
    for text in ("", "[]", "null", '{"key": 1}', json.dumps({"notes": {}})):
        notes.write_text(text)
        assert same_source(opened(root, cache), first)


def test_a_damaged_source_leaves_no_cache(root, cache):
    (root / "train/dog/2.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="2.png"):
        opened(root, cache)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_written_says_so(root, tmp_path):
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(InputError, match="file: decoded .*; name another folder in da"):
        opened(root, tmp_path / "file")


def in_a_child(work) -> int:
    """How a forked process ends; it may give up rights and room."""

    def ended() -> int:
        try:
            work()
        except (InputError, FaultError) as error:
            return 2 if isinstance(error, InputError) else 3
        return 0

    return wait(in_fork(ended))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
def test_a_read_only_cache_is_used_where_it_is_whole(root, cache, tmp_path):
    opened(root, cache)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    other = write_folder(tmp_path / "others", (("train", 1),))

    def read_as_nobody(source):
        os.setuid(65534)
        opened(source, cache)

    assert in_a_child(lambda: read_as_nobody(root)) == 0
    assert in_a_child(lambda: read_as_nobody(other)) == 2


def test_a_full_disk_is_a_fault_and_leaves_nothing(root, cache):
    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
        opened(root, cache)

    assert in_a_child(fill) == 3
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def fill_and_count(root: Path, cache: Path, start, counts) -> None:
    decode, done = image_folder.decode_image, []

    def counted(*arguments):
        done.append(1)
        return decode(*arguments)

    image_folder.decode_image = counted
    start.wait()
    source = opened(root, cache)
    counts.put((len(done), source.fingerprint))


@pytest.mark.spec("CNN-037", "decode it once")
def test_processes_that_start_together_decode_once(root, cache):
    context = multiprocessing.get_context("fork")
    start, counts = context.Event(), context.SimpleQueue()
    children = [
        context.Process(
            target=fill_and_count, args=(root, cache, start, counts), daemon=True
        )
        for _ in range(4)
    ]
    for child in children:
        child.start()
    start.set()
    for child in children:
        child.join(LIMIT)
    assert [child.exitcode for child in children] == [0] * 4
    results = [counts.get() for _ in children]
    assert sorted(count for count, _ in results) == [0, 0, 0, 10]
    assert {print_ for _, print_ in results} == {opened(root, None).fingerprint}


@pytest.mark.spec("CNN-037", "one that is killed")
def test_a_killed_process_leaves_no_cache_and_no_rubbish(root, cache, monkeypatch):
    def die_at_the_end():
        decode, done = image_folder.decode_image, []

        def mortal(*arguments):
            done.append(1)
            if len(done) == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            return decode(*arguments)

        image_folder.WINDOW = 1
        image_folder.decode_image = mortal
        opened(root, cache)

    assert in_a_child(die_at_the_end) == -signal.SIGKILL
    left = {path.suffix for path in cache.iterdir()}
    assert left == {".tmp", ".lock"}  # so that the next line tests something
    assert same_source(opened(root, cache), opened(root, None))
    assert {path.suffix for path in cache.iterdir()} == {".npy", ".json", ".lock"}


def test_rows_travel_as_a_path(root, cache):
    images = opened(root, cache).parts["train"].images
    sent = pickle.dumps(images)
    assert len(sent) < 2000 and b"images-" in sent
    again = pickle.loads(sent)
    indices = torch.tensor([5, 0, 0])
    assert isinstance(again.pixels, np.memmap) and len(again) == 6
    assert again[indices].equal(images[indices])
    plain = pickle.loads(pickle.dumps(opened(root, None).parts["train"].images))
    assert plain[indices].equal(images[indices])


def test_what_is_taken_out_is_a_copy(root, cache):
    train = opened(root, cache).parts["train"]
    train.images[torch.tensor([0])].fill_(0)
    assert pixels_of(train)[0].any()


@pytest.mark.parametrize("count", (1, 2, 1000))
def test_a_npy_is_written_before_its_length_is_known(tmp_path, count):
    rows = np.arange(count * 6, dtype=np.uint8).reshape(count, 1, 2, 3)
    write_images(tmp_path / "a.npy", iter(rows))
    np.testing.assert_array_equal(map_images(tmp_path / "a.npy"), rows)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), rows)
    every_other = ImageRows(rows, torch.arange(0, count, 2))
    assert len(every_other) == (count + 1) // 2
