"""The way out: one meaning of the proxy variables and of the certificates for every connection, through real parts."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.network import DIRECT, CannotListen, Certificates, Network, try_to_listen
from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.settings import secrets_in
from tests.command_line import run_command
from tests.crash.process import BotProcess
from tests.doctor.helpers import Sandbox
from tests.network_parts import Authority, ConnectProxy, connect_proxy, tls_front

HOSTS = ("slack.test", "iam.test", "cloud.test")
CREDENTIALS = "bot:p@ss w/rd"
QUOTED_CREDENTIALS = "bot:p%40ss%20w%2Frd"


def network(**environ: str) -> Network:
    """The network of these variables; there must be no mistake in them."""
    mistakes: list[str] = []
    found = Network.read(environ, lambda name, reason: mistakes.append(f"{name}: {reason}"))
    assert not mistakes
    return found


def chosen(url: str, **environ: str) -> str:
    """The proxy for an address, empty when there is none."""
    proxy = network(**environ).proxy_for(url)
    return proxy.address if proxy else ""


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy:80"),
        ("http://proxy:3128/", "http://proxy:3128"),
        ("HTTP://Proxy:3128", "http://proxy:3128"),
        ("https://proxy", "https://proxy:443"),
        ("user:word@proxy:3128", "http://proxy:3128"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
    ],
)
def test_the_forms_of_a_proxy(value: str, address: str) -> None:
    assert chosen("https://slack.com/api/", HTTPS_PROXY=value) == address


def test_the_scheme_of_the_address_chooses_the_proxy_and_lower_case_wins() -> None:
    environ = {"HTTPS_PROXY": "for-https:1", "HTTP_PROXY": "for-http:2"}
    assert chosen("https://slack.com/", **environ) == chosen("wss://wss.slack.com/", **environ) == "http://for-https:1"
    assert chosen("http://slack.com/", **environ) == chosen("ws://slack.com/", **environ) == "http://for-http:2"
    assert chosen("https://slack.com/", HTTP_PROXY="for-http:2") == ""
    assert chosen("https://slack.com/", https_proxy="lower:3", **environ) == "http://lower:3"
    assert chosen("https://slack.com/", https_proxy="", **environ) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "a.localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_is_never_reached_through_a_proxy(host: str) -> None:
    assert chosen(f"http://{host}:8080/", HTTP_PROXY="proxy:1", HTTPS_PROXY="proxy:1") == ""


@pytest.mark.parametrize(
    ("no_proxy", "direct", "proxied"),
    [
        ("*", ["slack.com", "10.0.0.1"], []),
        ("slack.com", ["slack.com", "wss-primary.slack.com", "SLACK.com.", "slack.com:8443"], ["notslack.com"]),
        (".slack.com", ["slack.com", "hooks.slack.com"], ["slack.com.cn"]),
        ("*.slack.com", ["hooks.slack.com"], ["slack.org"]),
        ("a.test, b.test c.test", ["a.test", "b.test", "c.test"], ["d.test"]),
        ("slack.com:8443", ["slack.com:8443"], ["slack.com"]),
        ("10.0.0.0/8,192.168.1.1", ["10.9.8.7", "192.168.1.1"], ["11.0.0.1", "192.168.1.2", "ten.test"]),
        ("2001:db8::/32,[2001:db9::1]:443", ["[2001:db8::5]", "[2001:db9::1]"], ["[2001:db9::1]:80", "[2002::1]"]),
    ],
)
def test_no_proxy(no_proxy: str, direct: list[str], proxied: list[str]) -> None:
    environ = {"HTTPS_PROXY": "proxy:1", "NO_PROXY": no_proxy}
    assert [chosen(f"https://{host}/", **environ) for host in direct] == [""] * len(direct)
    assert [chosen(f"https://{host}/", **environ) for host in proxied] == ["http://proxy:1"] * len(proxied)


def test_the_password_of_a_proxy_is_a_secret_and_is_not_shown() -> None:
    found = network(HTTPS_PROXY="http://bot:p%40ssword@proxy:1")
    assert {"p%40ssword", "p@ssword"} <= set(secrets_in(found))
    assert "ssword" not in repr(found)


def certificates_in(context: ssl.SSLContext) -> set[str]:
    """What identifies each certificate that a context trusts; those of a folder are loaded when they are needed."""
    return {f"{certificate['issuer']} {certificate['serialNumber']}" for certificate in context.get_ca_certs()}


def test_without_settings_the_systems_certificates_are_trusted() -> None:
    system, trusted = certificates_in(ssl.create_default_context()), network().tls_context()
    assert system
    assert system <= certificates_in(trusted)  # other tests may have connected through the context, which is shared
    assert network().tls_context() is trusted


def test_certificates_of_a_file_and_a_folder_are_trusted_beside_the_systems(tmp_path: Path) -> None:
    authorities = [Authority(tmp_path / name, f"Company {name}") for name in ("file", "folder")]
    found = network(SSL_CERT_FILE=str(authorities[0].file), SSL_CERT_DIR=str(tmp_path / "folder"))
    trusted = {str(certificate["subject"]) for certificate in found.tls_context().get_ca_certs()}
    assert sum("Company" in subject for subject in trusted) == 2
    assert len(trusted) > len(ssl.create_default_context().get_ca_certs())


def test_where_it_cannot_listen_is_named() -> None:
    try_to_listen("localhost", 0)
    for host in ("no.invalid", "a..b", "two words", "203.0.113.1"):
        with pytest.raises(CannotListen, match=r"^HOST: "):
            try_to_listen(host, 0)


# through real parts


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A plain web server that tells what it was asked, also over a websocket; its port."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            websocket = web.WebSocketResponse()
            await websocket.prepare(request)
            await websocket.send_str(request.host)
            await websocket.close()
            return websocket
        return web.json_response({"host": request.host, "authorization": request.headers.get("Authorization", "")})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_a_session_reaches_https_and_wss_through_a_proxy_with_a_password(echo: int, authority: Authority) -> None:
    async with (
        tls_front(authority.server_context("slack.test"), echo) as front,
        connect_proxy({"slack.test": front, "plain.test": echo}, CREDENTIALS) as proxy,
    ):
        url = f"{QUOTED_CREDENTIALS}@127.0.0.1:{proxy.port}"
        found = network(HTTPS_PROXY=url, HTTP_PROXY=url, SSL_CERT_FILE=str(authority.file))
        async with found.open_session() as session:
            for _ in range(2):
                async with session.post("https://slack.test/api/", json={}) as response:
                    assert await response.json() == {"host": "slack.test", "authorization": ""}
            async with found.open_session() as other, other.ws_connect("wss://slack.test/link") as websocket:
                assert await websocket.receive_str() == "slack.test"
            async with session.post("http://plain.test/api/", json={}) as response:
                assert (await response.json())["host"] == "plain.test"
            async with session.get(f"http://127.0.0.1:{echo}/") as response:
                assert response.status == 200
    assert proxy.requests == ["CONNECT slack.test:443"] * 2 + ["POST http://plain.test/api/"]


async def test_netrc_is_never_read(
    echo: int, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with (
        connect_proxy({"plain.test": echo}) as proxy,
        network(HTTP_PROXY=f"127.0.0.1:{proxy.port}").open_session() as session,
        session.get("http://plain.test/") as response,
    ):
        assert (await response.json())["authorization"] == ""


async def test_a_certificate_that_nobody_trusts_is_refused(echo: int, authority: Authority) -> None:
    async with tls_front(authority.server_context("localhost"), echo) as front:
        async with DIRECT.open_session() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(f"https://localhost:{front}/")
        trusting = Network(certificates=Certificates(folder=str(authority.file.parent)))
        async with trusting.open_session() as session, session.get(f"https://localhost:{front}/") as response:
            assert response.status == 200


@asynccontextmanager
async def company(folder: Path, authority: Authority) -> AsyncIterator[tuple[Mapping[str, str], ConnectProxy]]:
    """The stand-ins behind TLS, reached through a proxy alone; the settings of a bot there, and the proxy."""
    context = authority.server_context(*HOSTS)
    async with StandInSlack() as slack, StandInCloud() as cloud:
        ports = {
            "slack.test": int(slack.api_url.split(":")[2].split("/")[0]),
            "iam.test": int(cloud.iam_url.split(":")[2].split("/")[0]),
            "cloud.test": int(cloud.endpoint.split(":")[2].split("/")[0]),
        }
        async with (
            tls_front(context, ports["slack.test"]) as slack_front,
            tls_front(context, ports["iam.test"]) as iam_front,
            tls_front(context, ports["cloud.test"]) as cloud_front,
            connect_proxy(dict(zip(HOSTS, (slack_front, iam_front, cloud_front), strict=True)), CREDENTIALS) as proxy,
        ):
            settings = {
                **Sandbox(slack, cloud, folder).environ(),
                "SLACK_API_URL": slack.api_url.replace(f"http://127.0.0.1:{ports['slack.test']}", "https://slack.test"),
                "HW_AUTH_URL": cloud.iam_url.replace(f"http://127.0.0.1:{ports['iam.test']}", "https://iam.test"),
                "TAURUSDB_ENDPOINT": "https://cloud.test",
                "HTTPS_PROXY": f"{QUOTED_CREDENTIALS}@127.0.0.1:{proxy.port}",
                "HTTP_PROXY": "http://127.0.0.1:1",
                "SSL_CERT_FILE": str(authority.file),
            }
            yield settings, proxy


async def test_the_doctor_and_the_bot_work_behind_a_proxy_and_a_company_authority(
    tmp_path: Path, authority: Authority
) -> None:
    async with company(tmp_path, authority) as (settings, proxy):
        result = await run_command(tmp_path, settings, "doctor")
        assert (result.exit_code, result.stderr) == (0, ""), result.stdout
        assert {f"CONNECT {host}:443" for host in HOSTS} == set(proxy.requests)
        assert "p@ss" not in result.stdout
        process = await BotProcess.start({**settings, "LOG_FORMAT": "json"}, tmp_path)
        try:
            await process.until_logged("bot.ready")
            process.terminate()
            assert await process.ended() == 0
        finally:
            await process.close()


OTHER = "https://other.test/api/"
CAUSES = {
    "407": ({"HTTPS_PROXY": "wrong:word@127.0.0.1:{port}"}, ["(407)", "HTTPS_PROXY", "NO_PROXY"]),
    "refused": ({"SLACK_API_URL": OTHER}, ["refuses to connect: 403", "let the proxy pass other.test"]),
    "dead": ({"HTTPS_PROXY": "127.0.0.1:1"}, ["http://127.0.0.1:1 cannot be reached", "NO_PROXY"]),
    "no_proxy": ({"NO_PROXY": ".test"}, ["the name does not resolve"]),
    "issuer": ({"SSL_CERT_FILE": ""}, ["issued by Company Test CA", "not trusted", "SSL_CERT_FILE"]),
}


async def test_the_doctor_tells_the_certificate_of_the_proxy_from_that_of_its_target(
    tmp_path: Path, authority: Authority
) -> None:
    other = Authority(tmp_path / "other", "Somebody Else")
    async with (
        company(tmp_path, authority) as (settings, proxy),
        tls_front(other.server_context("localhost"), proxy.port) as front,
    ):
        url = f"https://{QUOTED_CREDENTIALS}@localhost:{front}"
        result = await run_command(tmp_path, {**settings, "HTTPS_PROXY": url}, "doctor")
    assert f"the proxy https://localhost:{front} cannot be reached" in result.stdout
    assert "the certificate of the proxy itself" in result.stdout


@pytest.mark.parametrize("cause", CAUSES)
async def test_the_doctor_names_the_cause(tmp_path: Path, authority: Authority, cause: str) -> None:
    changes, words = CAUSES[cause]
    async with company(tmp_path, authority) as (settings, proxy):
        environ = {**settings, **{name: value.format(port=proxy.port) for name, value in changes.items()}}
        result = await run_command(tmp_path, environ, "doctor")
    assert result.exit_code == 1
    found = result.stdout.partition("fail    slack.token")[2].partition("skipped")[0]
    assert [word for word in words if word not in found] == [], result.stdout
    assert "Traceback" not in result.stderr
