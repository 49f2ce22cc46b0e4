"""Which files `infer` reads and which names its outputs get."""

import pytest

from src.inference.outputs import list_inputs, output_stems, prepare_folder
from src.utils.errors import InputError
from tests.inference_tools import save_image


@pytest.mark.spec("SEG-098", "inputs of one stem never share an output")
def test_two_inputs_of_one_stem_keep_their_types(tmp_path):
    files = [tmp_path / name for name in ("a.png", "a.jpg", "A.tif", "b.png")]
    assert output_stems(files) == ["a_png", "a_jpg", "A_tif", "b"]


def test_an_output_of_one_file_is_not_the_output_of_another(tmp_path):
    names = ["a.png", "a_overlay.png", "b.jpg", "b.png", "b_jpg.png", "legend.png"]
    stems = output_stems([tmp_path / name for name in names])
    outputs = [f"{s}{end}".lower() for s in stems for end in (".png", "_overlay.png")]
    assert len(set(outputs)) == 12
    assert "legend.png" not in outputs


def test_a_folder_gives_its_images_in_natural_order(tmp_path):
    for name in ("s10.png", "s9.PNG", ".hidden.png", "notes.txt", "x.jpeg"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.png").mkdir()
    images, others = list_inputs(tmp_path)
    assert [image.name for image in images] == ["s9.PNG", "s10.png", "x.jpeg"]
    assert [other.name for other in others] == ["folder.png", "notes.txt"]


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    with pytest.raises(InputError, match="which holds nothing"):
        list_inputs(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(
        InputError, match=r"no image of type \.png.*which holds notes\.txt"
    ):
        list_inputs(tmp_path)


@pytest.mark.spec("SEG-098", "an input is never overwritten")
def test_an_input_is_never_overwritten(tmp_path):
    image = save_image(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png would replace an input image"):
        prepare_folder(tmp_path / "x" / "..", [image], ["a"])


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/sub cannot be written: Not a directory"):
        prepare_folder(tmp_path / "file" / "sub", [], [])
