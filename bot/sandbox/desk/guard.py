"""Who may speak with the page's server: only a browser on this computer, and only the page itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def make_guard(port: Callable[[], int]) -> Middleware:
    """Make the middleware that refuses foreign requests; the port is asked for late, as the system may choose it."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = _refusal(request, port())
        if refusal is None:
            return await handler(request)
        status, reason = refusal
        return web.json_response({"ok": False, "error": reason}, status=status)

    return guard


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer, refusals and errors included, the headers that keep foreign content out."""
    del request  # every answer gets the same
    response.headers.update(HEADERS)


def _refusal(request: web.Request, port: int) -> tuple[int, str] | None:
    """Say why a request is refused: status and reason, or None when it may come in.

    A foreign name in `Host` is how a page elsewhere reaches loopback (DNS rebinding); a foreign `Origin` is a page
    elsewhere that posts here; a type other than JSON is what such a page could post without being asked first.
    """
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or hosts[0].lower() not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        return 403, f"This server answers only as 127.0.0.1:{port} or localhost:{port}."
    origins = request.headers.getall("Origin", [])
    if any(origin != f"http://{hosts[0].lower()}" for origin in origins):
        return 403, "This server answers only to its own page."
    if request.method == "POST" and request.content_type != "application/json":
        return 415, "Actions are sent as application/json."
    return None
