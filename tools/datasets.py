"""The public data sets that `python -m tools fetch` knows.

Addresses, sizes and SHA-256 are in datasets.tsv, with the place where each was found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools import layouts


TABLE = Path(__file__).with_suffix(".tsv")


@dataclass(frozen=True, slots=True)
class Remote:
    """One file to download."""

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.url).name


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is fetched, what becomes of it, and who reads it."""

    title: str
    licence: str
    citation: str
    commands: tuple[tuple[str, str], ...]
    """(sub-project, command typed in its folder); {data} is where the data set lies."""
    files: tuple[Remote, ...]
    unpacked: int = 0
    """Bytes that the archives hold at most; 0: the files stay as they are."""
    place: Callable[[str], str | None] = layouts.as_it_is
    """Where a file of an archive goes; None: it is not needed."""
    finish: Callable[[Path], str] | None = None
    """Makes of the unpacked files what is read; returns a line about it."""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def _files(name: str) -> tuple[Remote, ...]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return tuple(Remote(row[1], int(row[2]), row[3]) for row in rows if row[0] == name)


MB = 1_000_000
TRAIN = "python scripts/train.py --config configs/"
CLOTHES = (
    "'data.class_names=[T-shirt, Trouser, Pullover, Dress, Coat, Sandal, Shirt, "
    "Sneaker, Bag, Ankle boot]'"
)
CIFAR = (
    "none given; the authors ask for the citation",
    "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    (("vision_cnn", f"{TRAIN}cifar10.yaml data.name=cifar data.root={{data}}"),),
)

DATASETS = {
    "mnist": Dataset(
        "MNIST: 70,000 handwritten digits, 28x28 grey",
        "CC BY-SA 3.0",
        "LeCun, Cortes, Burges, The MNIST Database of Handwritten Digits, 1998",
        (
            ("vision_cnn", f"{TRAIN}mnist.yaml data.root={{data}}"),
            ("autograd_engine", f"{TRAIN}mnist_mlp.yaml data.root={{data}}"),
        ),
        _files("mnist"),
    ),
    "fashion_mnist": Dataset(
        "Fashion-MNIST: 70,000 pieces of clothing, 28x28 grey",
        "MIT",
        "Xiao, Rasul, Vollgraf, Fashion-MNIST, 2017, arXiv 1708.07747",
        (
            ("vision_cnn", f"{TRAIN}mnist.yaml data.root={{data}} {CLOTHES}"),
            ("autograd_engine", f"{TRAIN}mnist_cnn.yaml data.root={{data}}"),
        ),
        _files("fashion_mnist"),
    ),
    "cifar10": Dataset(
        "CIFAR-10: 60,000 photographs of 10 kinds of things, 32x32",
        *CIFAR,
        _files("cifar10"),
        unpacked=190 * MB,
    ),
    "cifar100": Dataset(
        "CIFAR-100: 60,000 photographs of 100 kinds of things, 32x32",
        *CIFAR,
        _files("cifar100"),
        unpacked=190 * MB,
    ),
    "oxford_pet": Dataset(
        "Oxford-IIIT Pet: 7,349 cats and dogs, 3,680 to train on, with masks",
        "CC BY-SA 4.0",
        "Parkhi, Vedaldi, Zisserman, Jawahar, Cats and Dogs, CVPR 2012",
        (
            (
                "unet_transformer_seg",
                f"{TRAIN}my_images.yaml data.folder.images={{data}}/trainval/images "
                "data.folder.masks={data}/trainval/masks data.folder.ignore=[3] "
                '\'data.folder.mask_values={"2": background, "1": pet}\'',
            ),
            (
                "unet_transformer_seg",
                "python scripts/eval.py --checkpoint runs/latest/checkpoints/best.pt "
                "--images {data}/test/images --masks {data}/test/masks",
            ),
        ),
        _files("oxford_pet"),
        unpacked=1200 * MB,
        place=layouts.place_pets,
        finish=layouts.split_pets,
    ),
    "fsdd": Dataset(
        "Free Spoken Digit Dataset 1.0.9: 2,500 spoken digits, 8 kHz",
        "CC BY-SA 4.0",
        "Jackson and others, Free Spoken Digit Dataset v1.0.9, 2020",
        (
            (
                "paraformer_asr",
                "python -m src.data.fsdd --recordings {data}/recordings",
            ),
            ("paraformer_asr", f"{TRAIN}digits.yaml data.root={{data}}"),
        ),
        _files("fsdd"),
        unpacked=60 * MB,
        place=layouts.place_recordings,
    ),
    "librispeech_mini": Dataset(
        "LibriSpeech mini (OpenSLR 31): 7 hours of English read aloud, 16 kHz",
        "CC BY 4.0",
        "Panayotov, Chen, Povey, Khudanpur, LibriSpeech, ICASSP 2015",
        (
            (
                "paraformer_asr",
                f"{TRAIN}digits_letters.yaml data.name=librispeech data.root={{data}} "
                "data.train=train-clean-5 data.val=dev-clean-2 data.join=[1,1] "
                "data.join_train=0 data.join_eval=0 features.sample_rate=16000",
            ),
        ),
        _files("librispeech_mini"),
        unpacked=600 * MB,
        place=layouts.place_chapters,
    ),
    "tiny_shakespeare": Dataset(
        "Tiny Shakespeare: 40,000 lines",
        "public domain",
        "Shakespeare, arranged by Karpathy, 2015",
        (
            (
                "sequence_models",
                f"{TRAIN}shakespeare_2025.yaml data.root={{data}}/input.txt",
            ),
            ("autograd_engine", f"{TRAIN}char_lstm.yaml data.root={{data}}/input.txt"),
        ),
        _files("tiny_shakespeare"),
    ),
    "tinystories": Dataset(
        "TinyStories, the validation part: 21,990 short stories",
        "CDLA-Sharing 1.0",
        "Eldan, Li, TinyStories, 2023, arXiv 2305.07759",
        (
            (
                "sequence_models",
                f"{TRAIN}toy_grammar.yaml data.name=documents data.samples=0 "
                "data.root={data}/TinyStories-valid.txt data.tokenizer.kind=bpe",
            ),
        ),
        _files("tinystories"),
        finish=layouts.separate_stories,
    ),
}
