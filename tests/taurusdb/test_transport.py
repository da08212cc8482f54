"""An exception says whether the request can have been delivered; and proxies."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.network import Network, Proxy
from bot.taurusdb.transport import DeliveryAwareTransport
from tests.taurusdb import raw_server as raw
from tests.taurusdb.raw_server import Behaviour, Connection, RawServer

DELIVERED = [
    pytest.param(raw.takes_and_closes, httpx.RemoteProtocolError, id="closed"),
    pytest.param(raw.takes_and_resets, httpx.ReadError, id="reset"),
    pytest.param(raw.breaks_off_in_the_head, httpx.RemoteProtocolError, id="half a head"),
    pytest.param(raw.breaks_off_in_the_body, httpx.ReadError, id="half a body"),
    pytest.param(raw.resets_in_the_body, httpx.ReadError, id="reset in the body"),
    pytest.param(raw.breaks_off_in_a_chunk, httpx.ReadError, id="half a chunk"),
    pytest.param(raw.speaks_something_else, httpx.RemoteProtocolError, id="another protocol"),
    pytest.param(raw.never_answers, httpx.ReadTimeout, id="silence"),
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    timeout = httpx.Timeout(0.5, connect=0.5)
    async with httpx.AsyncClient(transport=DeliveryAwareTransport(), trust_env=False, timeout=timeout) as client:
        yield client


@pytest.mark.parametrize(("behaviour", "kind"), DELIVERED)
async def test_a_request_that_was_read_is_never_reported_as_not_connected(
    http: httpx.AsyncClient, behaviour: Behaviour, kind: type[Exception]
) -> None:
    async with RawServer(behaviour) as server:
        with pytest.raises(httpx.TransportError) as caught:
            await http.post(server.endpoint, content=b"{}")
        assert type(caught.value) is kind
        assert len(server.requests) == 1


async def test_a_kept_alive_connection_that_closes_is_not_tried_again_by_itself(http: httpx.AsyncClient) -> None:
    async with RawServer(raw.closes_at_the_second_request, raw.answers) as server:
        await http.post(server.endpoint, content=b"{}")
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(server.endpoint, content=b"{}")
        assert (len(server.requests), server.connections) == (2, 1)


async def test_a_kept_alive_connection_that_was_reset_in_between_is_never_reported_as_not_sent(
    http: httpx.AsyncClient,
) -> None:
    async def answers_and_resets(connection: Connection) -> None:
        await raw_answer(connection)
        await connection.read_request()
        connection.reset()

    async def raw_answer(connection: Connection) -> None:
        await connection.read_request()
        connection.answer("{}")
        await connection.writer.drain()

    async with RawServer(answers_and_resets) as server:
        await http.post(server.endpoint, content=b"{}")
        with pytest.raises(httpx.ReadError):
            await http.post(server.endpoint, content=b"{}")
        assert len(server.requests) == 2


async def test_a_refused_connection_is_a_connect_error(http: httpx.AsyncClient, closed_port: int) -> None:
    with pytest.raises(httpx.ConnectError):
        await http.post(f"http://127.0.0.1:{closed_port}", content=b"{}")


async def test_a_name_that_does_not_resolve_is_a_connect_error(http: httpx.AsyncClient) -> None:
    with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
        await http.post("http://nobody.invalid", content=b"{}")


async def test_a_connection_that_is_not_made_in_time_is_a_connect_timeout(
    http: httpx.AsyncClient, full_port: int
) -> None:
    with pytest.raises(httpx.ConnectTimeout):
        await http.post(f"http://127.0.0.1:{full_port}", content=b"{}")


async def test_an_address_that_is_none_is_a_connect_error(http: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.TransportError) as caught:
        await http.post("gopher://127.0.0.1/", content=b"{}")
    assert isinstance(caught.value, httpx.ConnectError | httpx.UnsupportedProtocol)


async def test_tls_with_something_that_is_no_tls_is_a_connect_error(http: httpx.AsyncClient) -> None:
    async def garbage(connection: Connection) -> None:
        await connection.reader.read(1)
        connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.until_left()

    async with RawServer(garbage) as server:
        with pytest.raises(httpx.ConnectError):
            await http.post(f"https://127.0.0.1:{server.port}", content=b"{}")
        assert (server.requests, server.connections) == ([], 1)


async def test_tls_that_is_never_answered_is_a_connect_timeout(http: httpx.AsyncClient) -> None:
    async with RawServer(Connection.until_left) as server:
        with pytest.raises(httpx.ConnectTimeout):
            await http.post(f"https://127.0.0.1:{server.port}", content=b"{}")


async def test_waiting_for_a_place_in_the_pool_is_not_sending(http: httpx.AsyncClient) -> None:
    async with RawServer(raw.never_answers) as server:
        timeout = httpx.Timeout(20, connect=0.3, pool=0.3)
        held = [asyncio.create_task(http.post(server.endpoint, timeout=20)) for _ in range(100)]
        try:
            async with asyncio.timeout(15):
                while len(server.requests) < 100:
                    await asyncio.wait(held, timeout=0.01)
            with pytest.raises((httpx.ConnectTimeout, httpx.PoolTimeout)):
                await http.post(server.endpoint, content=b"{}", timeout=timeout)
            assert len(server.requests) == 100
        finally:
            for task in held:
                task.cancel()
            await asyncio.gather(*held, return_exceptions=True)


async def test_a_redirect_is_an_answer_and_not_followed(http: httpx.AsyncClient) -> None:
    async def redirects(connection: Connection) -> None:
        while True:
            await connection.read_request()
            connection.answer("", "307 Temporary Redirect", f"Location: {connection.server.endpoint}/elsewhere\r\n")

    async with RawServer(redirects) as server:
        assert (await http.post(server.endpoint, content=b"{}")).status_code == 307
        assert len(server.requests) == 1


# proxies


def proxied(proxy: str) -> httpx.AsyncClient:
    """A client that reaches every host but loopback through this proxy."""
    network = Network(http_proxy=Proxy.parse(proxy), https_proxy=Proxy.parse(proxy))
    return httpx.AsyncClient(transport=DeliveryAwareTransport(network), trust_env=False)


async def test_a_proxy_is_used_for_other_hosts_and_never_for_loopback() -> None:
    async with RawServer(raw.answers) as server, RawServer(raw.answers) as proxy, proxied(proxy.endpoint) as http:
        await http.post(server.endpoint, content=b"{}")
        assert (len(server.requests), proxy.requests) == (1, [])
        await http.post("http://cloud.invalid/v3", content=b"{}")
        assert proxy.requests[0].startswith("POST http://cloud.invalid/v3 HTTP/1.1")


async def test_a_proxy_that_makes_no_tunnel_has_passed_nothing_on() -> None:
    async def denies(connection: Connection) -> None:
        await connection.read_request()
        connection.answer("", "403 Forbidden")

    async with RawServer(denies) as proxy, proxied(f"http://user:word@127.0.0.1:{proxy.port}") as http:
        with pytest.raises(httpx.ConnectError) as caught:
            await http.post("https://cloud.invalid/v3", content=b"{}")
        assert [request.split()[0] for request in proxy.requests] == ["CONNECT"]
        assert "proxy-authorization: basic dxnlcjp3b3jk" in proxy.requests[0].lower()
        assert "word" not in str(caught.value)
