"""Proxies of the environment: used where they are meant, never for this machine itself."""

import httpx
import pytest

from bot.taurusdb.transport import TruthfulTransport
from tests.taurusdb import raw_server as raw
from tests.taurusdb.raw_server import Conversation, RawServer


async def test_loopback_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(raw.answers) as server, RawServer(raw.answers) as proxy:
        monkeypatch.setenv("http_proxy", proxy.endpoint)
        async with httpx.AsyncClient(transport=TruthfulTransport(), trust_env=False) as http:
            for host in ("127.0.0.1", "localhost"):
                await http.post(f"http://{host}:{server.port}/", content=b"{}")
        assert (len(server.requests), proxy.requests) == (2, [])


async def test_the_proxy_of_the_environment_is_used_for_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(raw.answers) as proxy:
        monkeypatch.setenv("http_proxy", proxy.endpoint)
        monkeypatch.setenv("https_proxy", proxy.endpoint)
        monkeypatch.setenv("no_proxy", "direct.invalid")
        async with httpx.AsyncClient(transport=TruthfulTransport(), trust_env=False) as http:
            await http.post("http://cloud.invalid/v3", content=b"{}")
            assert proxy.requests[0].startswith("POST http://cloud.invalid/v3 HTTP/1.1")
            with pytest.raises(httpx.ConnectError):
                await http.post("http://direct.invalid/v3", content=b"{}")
        assert len(proxy.requests) == 1


async def test_a_proxy_that_makes_no_tunnel_has_passed_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def denies(talk: Conversation) -> None:
        await talk.read_request()
        talk.answer("", "403 Forbidden")

    async with RawServer(denies) as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:word@127.0.0.1:{proxy.port}")
        async with httpx.AsyncClient(transport=TruthfulTransport(), trust_env=False) as http:
            with pytest.raises(httpx.ConnectError) as caught:
                await http.post("https://cloud.invalid/v3", content=b"{}")
        assert [request.split()[0] for request in proxy.requests] == ["CONNECT"]
        assert "proxy-authorization: basic dxnlcjp3b3jk" in proxy.requests[0].lower()
        assert "word" not in str(caught.value)


async def test_a_proxy_of_another_kind_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    await TruthfulTransport().aclose()
    (record,) = caplog.records
    assert (record.getMessage(), vars(record)["variable"]) == ("proxy.left_out", "HTTPS_PROXY")
