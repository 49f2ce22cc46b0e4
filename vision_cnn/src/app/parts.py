# pattern: app/parts.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/parts.py --from <sub-project>
"""What a page is made of: modules and styles, joined by `index.html`.

Modules import each other by bare names; an import map says where each lies. On the
server that is /page/NAME.js, in a saved file the module itself, as a data: address.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path


FOLDER = Path(__file__).parent / "page"
TYPES = {".css": "text/css", ".js": "text/javascript"}
START = 'import "main";'


def page_files() -> dict[str, bytes]:
    """Name -> content of all that index.html may ask for."""
    paths = [path for path in FOLDER.iterdir() if path.suffix in TYPES]
    paths.sort(key=lambda path: (path.name != "widgets.css", path.name))  # own.css wins
    return {path.name: path.read_bytes() for path in paths}


def index_page(files: Mapping[str, bytes]) -> tuple[str, str]:
    """(the page whose parts lie beside it on the server, its security policy)."""
    links = "\n".join(
        f'<link rel="stylesheet" href="/page/{name}">'
        for name in files
        if name.endswith(".css")
    )
    found = _map_of({name: f"/page/{name}" for name in files})
    rules = (
        f"default-src 'self'; script-src 'self' {_hash(found)} {_hash(START)}; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return _filled(policy="", style=links, map=found, blocks=""), rules


def saved_page(files: Mapping[str, bytes], blocks: str) -> str:
    """The page with everything in it; `blocks` holds the answers."""
    css = "\n" + "\n".join(
        text.decode().replace("\r\n", "\n")  # as a browser has it when it hashes
        for name, text in files.items()
        if name.endswith(".css")
    )
    addresses = {
        name: "data:text/javascript;base64," + base64.b64encode(text).decode()
        for name, text in files.items()
    }
    found = _map_of(addresses)
    rules = (
        f"default-src 'none'; script-src {_hash(found)} {_hash(START)} data:; "
        f"style-src {_hash(css)}; img-src data: blob:; "
        "media-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    policy = f'<meta http-equiv="content-security-policy" content="{rules}">'
    style = f"<style>{css}</style>"
    return _filled(policy=policy, style=style, map=found, blocks=blocks)


def block(name: str, content: str) -> str:
    """JSON that the page reads when it is needed; nothing in it can end the block."""
    text = content.replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def _filled(**parts: str) -> str:
    template = (FOLDER / "index.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _map_of(addresses: Mapping[str, str]) -> str:
    """The import map: "dom" is where dom.js is."""
    modules = {
        n.removesuffix(".js"): a for n, a in addresses.items() if n.endswith(".js")
    }
    return json.dumps({"imports": modules})


def _hash(text: str) -> str:
    """How a Content-Security-Policy names the one script or style that may act."""
    return (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    )
