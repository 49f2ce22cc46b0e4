# pattern: app/export.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/export.py --from <sub-project>
"""`scripts/app.py --export FILE.html`: the page as one file, with answers in it."""

import json
import sys
from pathlib import Path

from tqdm import tqdm

from ..utils.atomic import write_atomically
from ..utils.errors import InputError
from .page import Page
from .parts import block, page_files, saved_page


def export(page: Page, path: Path) -> int:
    """Write the page, whole or not at all; gives its bytes. Raises InputError.

    It opens from disk, asks no server, and answers what `page.exported` lists.
    """
    if path.is_dir():
        raise InputError(f"--export {path} is a folder; name a file: page.html")
    content = saved(page).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise InputError(
            f"--export {path} cannot be written: {error.strerror}. Choose another"
        ) from None
    return len(content)


def saved(page: Page) -> str:
    """The file's text."""
    questions, blocks = [("page", {}), *page.exported()], []
    bar = tqdm(questions, "answers", disable=None, leave=False, file=sys.stderr)
    for number, (name, given) in enumerate(bar):
        if name in page.streams:
            answer = list(page.listen(name, given))
        else:
            answer = page.ask(name, given)
        blocks.append(block(f"answer-{number}", _json(answer)))
    return saved_page(
        page_files(), "\n".join([block("questions", _json(questions)), *blocks])
    )


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
