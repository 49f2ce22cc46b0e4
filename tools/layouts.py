"""From the files of an official archive to what the sub-projects read."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.projects import WorkspaceError


END_OF_STORY = "<|endoftext|>"
PICTURES = (b"\xff\xd8\xff", b"\x89PNG")  # what JPEG and PNG begin with


def as_it_is(name: str) -> str | None:
    """Everything, where the archive has it."""
    return name


def place_recordings(name: str) -> str | None:
    """FSDD: `recordings/` without the folder of the release around it."""
    path = PurePosixPath(name)
    in_it = path.parent.name == "recordings" and path.suffix == ".wav"
    return f"recordings/{path.name}" if in_it else None


def place_chapters(name: str) -> str | None:
    """LibriSpeech: sound and transcripts; both archives have the same pages on top."""
    path = PurePosixPath(name)
    deep = len(path.parts) == 5 and path.parts[0] == "LibriSpeech"
    return name if deep and path.suffix in (".flac", ".wav", ".txt") else None


def place_pets(name: str) -> str | None:
    """Pictures, trimaps and the two official lists; not what a Mac has left there."""
    path = PurePosixPath(name)
    if path.name.startswith("."):
        return None
    folder = {"images": "images", "annotations/trimaps": "masks"}.get(str(path.parent))
    if folder and path.suffix in (".jpg", ".png"):
        return f"{folder}/{path.name}"
    if name in ("annotations/trainval.txt", "annotations/test.txt"):
        return path.name
    return None


def split_pets(folder: Path) -> str:
    """`trainval/` and `test/`, each with `images/` and `masks/`, as the lists say.

    Trimaps stay as they are: 1 pet, 2 background, 3 not classified. What no list has,
    or is no JPEG or PNG whatever its name, or has no mask, is left out.
    """
    kept, dropped = {}, []
    for part in ("trainval", "test"):
        for kind in ("images", "masks"):
            (folder / part / kind).mkdir(parents=True)
        names = list(_listed(folder / f"{part}.txt"))
        kept[part] = 0
        for name in names:
            image, mask = (
                folder / "images" / f"{name}.jpg",
                folder / f"masks/{name}.png",
            )
            if not (_is_picture(image) and _is_picture(mask)):
                dropped.append(name)
                continue
            image.rename(folder / part / "images" / image.name)
            mask.rename(folder / part / "masks" / mask.name)
            kept[part] += 1
    for left in (*folder.glob("images/*"), *folder.glob("masks/*")):
        left.unlink()
    (folder / "images").rmdir()
    (folder / "masks").rmdir()
    counts = ", ".join(f"{part} {count:,}" for part, count in kept.items())
    lost = f"; without a readable picture and mask: {', '.join(dropped)}"
    return counts + (lost if dropped else "")


def separate_stories(folder: Path) -> str:
    """Stories end with an empty line, as documents do, and have none inside."""
    (path,) = folder.glob("*.txt")
    stories = []
    for story in path.read_text(encoding="utf-8").split(END_OF_STORY):
        lines = (line.strip() for line in story.splitlines())
        if text := "\n".join(line for line in lines if line):
            stories.append(text)
    path.write_text("\n\n".join(stories) + "\n", encoding="utf-8", newline="\n")
    return f"{len(stories):,} stories"


def _listed(path: Path) -> Iterator[str]:
    """The first word of each line that is no comment."""
    if not path.is_file():
        raise WorkspaceError(f"the archive has no list {path.name}; fetch it again")
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield PurePosixPath(line.split()[0]).name


def _is_picture(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4).startswith(PICTURES)
