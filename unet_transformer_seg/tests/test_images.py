"""Image and mask files of every kind."""

import numpy as np
import pytest
import torch
from PIL import Image

from src.data import images
from src.data.images import read_mask, read_pixels, to_unit, write_png
from src.utils.errors import InputError
from tests.image_files import png_bytes, save


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
RGB = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
SHORT = np.array([[0, 1, 256, 40000], [65534, 65535, 255, 257]], np.uint16)


@pytest.mark.spec("SEG-026", "never by the brightest pixel")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_dark_image_stays_dark(tmp_path, suffix):
    dark8 = save(tmp_path / f"a{suffix}", np.ones((2, 2), np.uint8))
    dark16 = save(tmp_path / f"b{suffix}", np.ones((2, 2), np.uint16))
    assert to_unit(read_pixels(dark8)).unique().tolist() == pytest.approx([1 / 255])
    assert to_unit(read_pixels(dark16)).unique().tolist() == pytest.approx([1 / 65535])


@pytest.mark.spec("SEG-026", "255 and 65535 are 1")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey_is_exact(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", SHORT)
    assert np.array_equal(read_pixels(path), SHORT)
    assert np.array_equal(read_mask(path), SHORT)
    expected = torch.from_numpy(SHORT.astype(np.float32) / np.float32(65535))
    assert torch.equal(to_unit(read_pixels(path))[0], expected)


def test_16_bit_big_endian_png_made_by_hand_is_exact(tmp_path):
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in SHORT)
    (tmp_path / "a.png").write_bytes(png_bytes(4, 2, 16, 0, rows))
    assert np.array_equal(read_pixels(tmp_path / "a.png"), SHORT)


@pytest.mark.parametrize("kind, channels", [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_is_refused_instead_of_cut(tmp_path, kind, channels):
    rows = (b"\0" + bytes(2 * 4 * channels)) * 3
    path = tmp_path / "deep.png"
    path.write_bytes(png_bytes(4, 3, 16, kind, rows))
    with pytest.raises(InputError, match="deep.png: has 16 bits a colour channel"):
        read_pixels(path)
    with pytest.raises(InputError, match="deep.png: has 16 bits a colour channel"):
        read_mask(path)


def test_16_bit_colour_tiff_is_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="writes 16-bit RGB TIFF")
    for name, options in {"raw": {}, "packed": {"compression": "zlib"}}.items():
        path = tmp_path / f"{name}.tif"
        deep = np.zeros((4, 5, 3), np.uint16)
        tifffile.imwrite(path, deep, photometric="rgb", **options)
        with pytest.raises(InputError, match=f"{name}.tif: has 16 bits a colour chan"):
            read_pixels(path)


def test_a_tiff_in_which_white_is_zero_is_turned_over(tmp_path):
    path = tmp_path / "a.tif"
    tags = {262: 0}
    Image.fromarray(SHORT).save(path, tiffinfo=tags)
    assert np.array_equal(read_pixels(path), 65535 - SHORT)


@pytest.mark.parametrize(
    "mode, expected",
    [("L", GREY), ("LA", GREY), ("RGB", RGB), ("RGBA", RGB), ("1", GREY // 128 * 255)],
)
def test_alpha_is_dropped_and_1_bit_is_black_and_white(tmp_path, mode, expected):
    base = Image.fromarray(expected).convert(mode)
    if mode in ("LA", "RGBA"):
        base.putalpha(Image.fromarray(GREY))
    base.save(tmp_path / "a.png")
    assert np.array_equal(read_pixels(tmp_path / "a.png"), expected)
    assert np.array_equal(read_mask(tmp_path / "a.png"), expected)


@pytest.mark.spec("SEG-026", "CMYK and palettes become RGB")
def test_cmyk_becomes_rgb(tmp_path):
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red.save(tmp_path / "a.jpg", quality=100)
    red.save(tmp_path / "a.tif")
    for name in ("a.jpg", "a.tif"):
        pixels = read_pixels(tmp_path / name)
        assert pixels.shape == (8, 8, 3)
        assert np.abs(pixels.astype(int) - [255, 0, 0]).max() <= 3
        with pytest.raises(InputError, match=f"{name}: is a mask of type CMYK"):
            read_mask(tmp_path / name)


@pytest.mark.spec("SEG-026", "CMYK and palettes become RGB")
def test_a_palette_is_colours_in_an_image_and_indices_in_a_mask(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode=None)
    image = image.convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette([9, 8, 7, 0, 255, 0, 5, 5, 5])
    image.save(tmp_path / "a.png", transparency=0)
    assert read_mask(tmp_path / "a.png").tolist() == [[0, 1], [2, 1]]
    expected = [[[9, 8, 7], [0, 255, 0]], [[5, 5, 5], [0, 255, 0]]]
    assert read_pixels(tmp_path / "a.png").tolist() == expected


@pytest.mark.spec("SEG-026", "the EXIF rotation is applied")
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_exif_rotation_is_applied_once(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x112] = 6  # turn by 90 degrees clockwise to see it upright
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :16] = 255
    path = save(tmp_path / f"a{suffix}", pixels, exif=exif)
    upright = np.rot90(pixels, -1)
    assert np.array_equal(read_pixels(path) > 127, upright > 127)
    assert np.array_equal(read_mask(path) > 127, upright > 127)


def test_channels_on_request():
    grey, colour = to_unit(GREY), to_unit(RGB)
    assert torch.equal(to_unit(GREY, 3), grey.expand(3, -1, -1))
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    torch.testing.assert_close(to_unit(RGB, 1)[0], luma)
    with pytest.raises(ValueError, match="channels is 2; 1 or 3"):
        to_unit(RGB, 2)


@pytest.mark.parametrize("name", ["ünï 猫.png", "with space.png", "new\nline.png"])
def test_any_name_can_be_written_and_read(tmp_path, name):
    path = tmp_path / "földer x" / name
    write_png(path, RGB)
    assert np.array_equal(read_pixels(path), RGB)
    path.write_bytes(b"?")
    with pytest.raises(InputError) as caught:
        read_pixels(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pixels", [GREY, RGB, SHORT], ids=["grey", "rgb", "short"])
def test_png_keeps_every_bit(tmp_path, pixels):
    write_png(tmp_path / "a.png", pixels)
    assert np.array_equal(read_pixels(tmp_path / "a.png"), pixels)


def test_what_a_png_cannot_hold_is_a_programming_error(tmp_path):
    with pytest.raises(ValueError, match="cannot write float32"):
        write_png(tmp_path / "a.png", np.ones((2, 2), np.float32))
    with pytest.raises(ValueError, match="cannot write uint16"):
        write_png(tmp_path / "a.png", np.ones((2, 2, 3), np.uint16))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_png(path, GREY)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("src.utils.plots.os.replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_png(path, 255 - GREY)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert np.array_equal(images.read_pixels(path), GREY)
