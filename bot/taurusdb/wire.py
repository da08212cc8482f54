"""One request and its answer, within a time that nothing can stretch."""

import asyncio

import httpx

from bot.core.reasons import Unsure
from bot.taurusdb.answer import Answer, received
from bot.taurusdb.errors import fault_of_loss
from bot.taurusdb.transport import TruthfulTransport

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0


def http_client(connect_seconds: float = CONNECT_SECONDS, answer_seconds: float = ANSWER_SECONDS) -> httpx.AsyncClient:
    """The process's one HTTP client; the transport, not httpx, knows of proxies."""
    timeout = httpx.Timeout(answer_seconds, connect=connect_seconds, pool=connect_seconds)
    identity = {"Accept-Encoding": "identity", "User-Agent": "starrocks-upgrade-bot"}
    return httpx.AsyncClient(transport=TruthfulTransport(), trust_env=False, timeout=timeout, headers=identity)


async def exchange(http: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None, seconds: float) -> Answer:
    """Send a request once and read its answer; NotSent or Unsure when there is none, Unsure after `seconds`.

    The limit is for everything together: a server that sends a byte now and then does not hold us for ever. Connecting
    has a shorter limit of its own, so that this one never strikes before something was sent.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await http.send(request, auth=auth, stream=True)
            try:
                return await received(response)
            finally:
                await response.aclose()
    except httpx.TransportError as error:
        raise fault_of_loss(error) from error
    except TimeoutError as error:
        raise Unsure(message=f"no whole answer within {seconds:g} s") from error
