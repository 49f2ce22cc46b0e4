"""The public data sets that `python -m tools fetch` knows.

Every file has its size and SHA-256, so that a mirror or a broken line cannot pass for
it. They come from (looked up in November 2026; this workspace has no network itself):

- MNIST, Fashion-MNIST, CIFAR-10, CIFAR-100, Oxford-IIIT Pet, FSDD, tiny Shakespeare:
  the checksum files of tensorflow-datasets 4.9.10 (`url_checksums/*.txt` and
  `datasets/*/checksums.tsv`). Tiny Shakespeare was hashed here too, from our own copy.
- LibriSpeech mini: sizes from Kaldi's `mini_librispeech/s5/local/download_and_untar.sh`;
  SHA-256 as public repositories pin it that also give OpenSLR's own MD5 (6d7ab67a... for
  dev-clean-2, 5df7d4e7... for train-clean-5): eight agree on the first, among them a
  Nix package, which cannot be built otherwise; two on the second.
- TinyStories: size and SHA-256 as six public repositories pin them for this revision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools import layouts


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
    files: tuple[Remote, ...]
    licence: str
    citation: str
    commands: tuple[tuple[str, str], ...]
    """(sub-project, command typed in its folder); {data} is where the data set lies."""
    unpacked: int = 0
    """Bytes that the archives hold at most; 0: the files stay as they are."""
    place: Callable[[str], str | None] = layouts.as_it_is
    """Where a file of an archive goes; None: it is not needed."""
    finish: Callable[[Path], str] | None = None
    """Makes of the unpacked files what is read; returns a line about it."""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


MB = 1_000_000
GOOGLE = "https://storage.googleapis.com/cvdf-datasets/mnist/"
ZALANDO = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"
OXFORD = "https://thor.robots.ox.ac.uk/~vgg/data/pets/"
OPENSLR = "https://www.openslr.org/resources/31/"
TRAIN = "python scripts/train.py --config configs/"
CLOTHES = (
    "data.class_names=[T-shirt, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, "
    "Bag, Ankle boot]"
)
KRIZHEVSKY = "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

DATASETS = {
    "mnist": Dataset(
        "MNIST: 70,000 handwritten digits, 28x28 grey",
        (
            Remote(
                f"{GOOGLE}train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            Remote(
                f"{GOOGLE}train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            Remote(
                f"{GOOGLE}t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            Remote(
                f"{GOOGLE}t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        "CC BY-SA 3.0",
        "LeCun, Cortes, Burges, The MNIST Database of Handwritten Digits, 1998",
        (
            ("vision_cnn", f"{TRAIN}mnist.yaml data.root={{data}}"),
            ("autograd_engine", f"{TRAIN}mnist_mlp.yaml data.root={{data}}"),
        ),
    ),
    "fashion_mnist": Dataset(
        "Fashion-MNIST: 70,000 pieces of clothing, 28x28 grey",
        (
            Remote(
                f"{ZALANDO}train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            Remote(
                f"{ZALANDO}train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            Remote(
                f"{ZALANDO}t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            Remote(
                f"{ZALANDO}t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        "MIT",
        "Xiao, Rasul, Vollgraf, Fashion-MNIST, 2017, arXiv 1708.07747",
        (
            ("vision_cnn", f"{TRAIN}mnist.yaml data.root={{data}} '{CLOTHES}'"),
            ("autograd_engine", f"{TRAIN}mnist_cnn.yaml data.root={{data}}"),
        ),
    ),
    "cifar10": Dataset(
        "CIFAR-10: 60,000 photographs of 10 kinds of things, 32x32",
        (
            Remote(
                f"{TORONTO}cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        "none given; free to use with the citation",
        KRIZHEVSKY,
        (("vision_cnn", f"{TRAIN}cifar10.yaml data.name=cifar data.root={{data}}"),),
        unpacked=185 * MB,
    ),
    "cifar100": Dataset(
        "CIFAR-100: 60,000 photographs of 100 kinds of things, 32x32",
        (
            Remote(
                f"{TORONTO}cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
        "none given; free to use with the citation",
        KRIZHEVSKY,
        (("vision_cnn", f"{TRAIN}cifar10.yaml data.name=cifar data.root={{data}}"),),
        unpacked=185 * MB,
    ),
    "oxford_pet": Dataset(
        "Oxford-IIIT Pet: 7,349 cats and dogs with masks",
        (
            Remote(
                f"{OXFORD}annotations.tar.gz",
                19_173_078,
                "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
            ),
            Remote(
                f"{OXFORD}images.tar.gz",
                791_918_971,
                "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
            ),
        ),
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
        unpacked=1200 * MB,
        place=layouts.place_pets,
        finish=layouts.split_pets,
    ),
    "fsdd": Dataset(
        "Free Spoken Digit Dataset 1.0.9: 2,500 spoken digits, 8 kHz",
        (
            Remote(
                "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
                "v1.0.9.tar.gz",
                11_975_353,
                "8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
            ),
        ),
        "CC BY-SA 4.0",
        "Jackson and others, Free Spoken Digit Dataset v1.0.9, 2020",
        (
            (
                "paraformer_asr",
                "python -m src.data.fsdd --recordings {data}/recordings",
            ),
            ("paraformer_asr", f"{TRAIN}digits.yaml data.root={{data}}"),
        ),
        unpacked=60 * MB,
        place=layouts.place_recordings,
    ),
    "librispeech_mini": Dataset(
        "LibriSpeech mini (OpenSLR 31): 7 hours of English read aloud, 16 kHz",
        (
            Remote(
                f"{OPENSLR}dev-clean-2.tar.gz",
                126_046_265,
                "176ec501490eced2d6c1f89f4f0ddc7dfe799e649e5322f8ba49fe3ff50c8012",
            ),
            Remote(
                f"{OPENSLR}train-clean-5.tar.gz",
                332_954_390,
                "47805806c8b15f7549f3c51bd6b7da72ec0128a34d32830c8014a88658c0292d",
            ),
        ),
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
        unpacked=600 * MB,
    ),
    "tiny_shakespeare": Dataset(
        "Tiny Shakespeare: 40,000 lines",
        (
            Remote(
                "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/"
                "tinyshakespeare/input.txt",
                1_115_394,
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ),
        ),
        "public domain",
        "Shakespeare, arranged by Karpathy, 2015",
        (
            (
                "sequence_models",
                f"{TRAIN}shakespeare_2025.yaml data.root={{data}}/input.txt",
            ),
            (
                "autograd_engine",
                f"{TRAIN}char_lstm.yaml data.root={{data}}/input.txt",
            ),
        ),
    ),
    "tinystories": Dataset(
        "TinyStories, the validation part: 21,990 short stories",
        (
            Remote(
                "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/"
                "f54c09fd23315a6f9c86f9dc80f725de7d8f9c64/TinyStories-valid.txt",
                19_447_282,
                "94e431816c4cce81ff71e4408ff8d3bda9a42e8d2663986697c3954288cb38b4",
            ),
        ),
        "CDLA-Sharing 1.0",
        "Eldan, Li, TinyStories, 2023, arXiv 2305.07759",
        (
            (
                "sequence_models",
                f"{TRAIN}toy_grammar.yaml data.name=documents "
                "data.root={data}/TinyStories-valid.txt data.tokenizer.kind=bpe "
                "data.samples=0",
            ),
        ),
        finish=layouts.separate_stories,
    ),
}
