"""Pictures of runs for the report: small enough, as text, within a total."""

import base64
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image


BOX = (1000, 1400)  # width and height that a picture may have
PIXELS = 40_000_000  # more are not opened
SMALL = 20_000  # bytes of a file that is taken as it is, if it fits in the box
TOTAL = 20_000_000  # characters of all pictures of a page
FOLDER, RUN = 8, 24  # pictures of one folder, and of one run
RULE = (
    f"Pictures are scaled to fit {BOX[0]} by {BOX[1]} points and taken from the newest "
    f"run on until they fill {TOTAL // 1_000_000} MB; at most {FOLDER} of a folder and "
    f"{RUN} of a run."
)
FIRST = ("plots", "predictions", "explained", "eval")

Picture = dict[str, Any]  # name, and data or why there is none


def pictures_of(runs: Sequence[Path]) -> Iterator[list[Picture]]:
    """The pictures of each run in turn, as long as they fit in TOTAL."""
    left = TOTAL
    with ThreadPoolExecutor() as pool:
        for run in runs:
            files = find_pictures(run)
            shown = [{"name": str(file.relative_to(run))} for file in files]
            if left > 0:
                for picture, found in zip(shown, pool.map(embed, files), strict=True):
                    left -= len(found.get("data", ""))
                    picture |= found if left >= 0 else {}
            for picture in shown:
                if not picture.keys() & {"data", "why"}:
                    picture["why"] = (
                        "left out: the pictures of newer runs fill the page"
                    )
            yield shown


def find_pictures(run: Path) -> list[Path]:
    """The PNG files of a run, plots first, so many of each folder."""
    found = sorted([*run.glob("*.png"), *run.glob("*/*.png"), *run.glob("*/*/*.png")])
    kept = [
        file
        for _, files in groupby(found, key=lambda file: file.parent)
        for file in list(files)[:FOLDER]
    ]
    kept.sort(key=lambda file: _rank(file.relative_to(run)))
    return kept[:RUN]


def embed(file: Path) -> Picture:
    """The picture as data URI, scaled down if it is large, or why there is none."""
    try:
        with Image.open(file, formats=["PNG"]) as image:
            if image.width * image.height > PIXELS:
                return {"why": f"left out: {image.width} by {image.height} points"}
            image.load()
            kind, content = "png", file.read_bytes()
            fits = image.width <= BOX[0] and image.height <= BOX[1]
            if not (fits and len(content) <= SMALL):
                small = _webp(image)
                if not fits or len(small) < len(content):
                    kind, content = "webp", small
    except Exception as error:  # a damaged file may raise anything
        return {"why": f"cannot be read: {type(error).__name__}"}
    text = base64.b64encode(content).decode()
    return {"data": f"data:image/{kind};base64,{text}"}


def _webp(image: Image.Image) -> bytes:
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    image = image.convert("RGBA" if clear else "RGB")
    image.thumbnail(BOX, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=80, method=2)
    return file.getvalue()


def _rank(path: Path) -> tuple[int, str]:
    """Plots first, what we do not know last."""
    top = path.parts[0]
    return FIRST.index(top) if top in FIRST else len(FIRST), str(path)
