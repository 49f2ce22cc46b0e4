"""The page: three files of this folder, and nothing from any other host."""

from pathlib import Path
from typing import Any

from .refusals import refusal
from .state import Service


FOLDER = Path(__file__).parent / "page"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def add_page(app: Any, service: Service) -> None:
    """`/`, and what it is made of below `/page/`."""
    from fastapi.responses import HTMLResponse, Response

    files = {
        path.name: path.read_bytes()
        for path in FOLDER.iterdir()
        if path.suffix in TYPES
    }
    index = (FOLDER / "index.html").read_text("utf-8")

    @app.get("/", include_in_schema=False)
    async def home() -> HTMLResponse:
        return HTMLResponse(index, headers={"cache-control": "no-cache"})

    @app.get("/page/{name}", include_in_schema=False)
    async def part(name: str) -> Response:
        if name not in files:
            raise refusal(404, "no such file of the page")
        kind = TYPES[Path(name).suffix]
        return Response(files[name], 200, {"cache-control": "no-cache"}, kind)
