"""The checks of how Slack's requests reach the bot: Socket Mode, signing secret, HTTP port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.doctor.report import CheckStatus
from tests.doctor.helpers import Sandbox, failures, problems


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[int]:
    """A web server on loopback; its port."""
    server = web.AppRunner(app)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    try:
        yield server.addresses[0][1]
    finally:
        await server.cleanup()


async def test_an_invalid_app_token(sandbox: Sandbox) -> None:
    sandbox.slack.revoke_app_token()
    checks = await sandbox.check()
    assert failures(checks) == {"slack.app_token"}
    assert "connections:write" in checks["slack.app_token"].remedy


async def test_a_bot_token_in_the_place_of_the_app_token(sandbox: Sandbox) -> None:
    sandbox.slack.fail("apps.connections.open", "not_allowed_token_type", times=None)
    assert "SLACK_APP_TOKEN" in (await sandbox.check())["slack.app_token"].remedy


async def test_socket_mode_that_is_switched_off(sandbox: Sandbox) -> None:
    sandbox.slack.fail("apps.connections.open", "socket_mode_not_enabled", times=None)
    assert "switch Socket Mode on" in (await sandbox.check())["slack.app_token"].remedy


async def test_a_connection_without_a_hello(sandbox: Sandbox) -> None:
    async def close_at_once(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.close()
        return websocket

    async def open_connection(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": f"ws://{request.host}/silent"})

    app = web.Application()
    app.router.add_get("/silent", close_at_once)
    app.router.add_post("/api/apps.connections.open", open_connection)
    async with listening(app) as port:
        checks = await sandbox.check(SLACK_API_URL=f"http://127.0.0.1:{port}/api/")
    assert checks["slack.socket_mode"].status is CheckStatus.FAIL
    assert "no hello" in checks["slack.socket_mode"].detail


async def test_a_signing_secret_that_does_not_look_like_one(sandbox: Sandbox) -> None:
    checks = await sandbox.check_with(sandbox.http_environ(SLACK_SIGNING_SECRET="something-else"))
    assert problems(checks) == {"slack.signing_secret": CheckStatus.WARN}
    assert "Signing Secret from Basic Information" in checks["slack.signing_secret"].remedy


async def test_http_mode_says_what_cannot_be_tried(sandbox: Sandbox) -> None:
    checks = await sandbox.check_with(sandbox.http_environ())
    assert problems(checks) == {}
    assert checks["slack.events_endpoint"].status is CheckStatus.SKIPPED
    assert "slack.socket_mode" not in checks


async def test_a_port_that_another_program_has(sandbox: Sandbox) -> None:
    async with listening(web.Application()) as port:
        checks = await sandbox.check_with(sandbox.http_environ(PORT=str(port)))
    assert failures(checks) == {"http.port"}
    assert "PORT: choose another one" in checks["http.port"].remedy


async def test_a_port_that_a_bot_has(sandbox: Sandbox) -> None:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    async with listening(app) as port:
        checks = await sandbox.check_with(sandbox.http_environ(PORT=str(port)))
    assert "a bot listens" in checks["http.port"].detail


async def test_a_host_that_is_no_address_of_this_machine(sandbox: Sandbox) -> None:
    checks = await sandbox.check_with(sandbox.http_environ(HOST="203.0.113.1"))
    assert failures(checks) == {"http.port"}
    assert "HOST" in checks["http.port"].remedy
