"""The page's files, read once from the package: only these names can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

PAGE: Final = Path(__file__).parent.parent / "page"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class PageFiles:
    """Answers with a file of the page."""

    def __init__(self, folder: Path = PAGE) -> None:
        self._files: Mapping[str, Path] = {
            path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in TYPES
        }

    async def index(self, request: web.Request) -> web.Response:
        """Answer with the page itself."""
        del request  # there is one page
        return self._answer("index.html")

    async def file(self, request: web.Request) -> web.Response:
        """Answer with a file that the page names."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound(text="The page has no such file.")
        return self._answer(name)

    def _answer(self, name: str) -> web.Response:
        path = self._files[name]
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8")
