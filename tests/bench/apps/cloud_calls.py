"""Upgrade calls of the cloud: `bot` by the bot's client, `sdk` by the official SDK and a pool of threads.

Reads lines `IN_FLIGHT CALLS` and writes for each the seconds that the calls took.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from importlib import import_module

INSTANCE = f"{7:032x}in17"


def sdk_call() -> Callable[[], object]:
    """One call of the official SDK, as its own examples write it."""
    auth, api = import_module("huaweicloudsdkcore.auth.credentials"), import_module("huaweicloudsdkgaussdb.v3")
    signer = auth.BasicCredentials("bench-access-key", "bench-secret-key", os.environ["HW_PROJECT_ID"])
    client = (
        api.GaussDBClient.new_builder().with_credentials(signer).with_endpoint(os.environ["TAURUSDB_ENDPOINT"]).build()
    )
    body = api.UpgradeSrKernelVersionRequestV3(delay=False, is_skip_validate=False)
    request = api.UpgradeSrKernelVersionRequest(instance_id=INSTANCE, x_language="en-us", body=body)
    return lambda: client.upgrade_sr_kernel_version(request)


async def run_sdk() -> None:
    """Calls of the SDK, each in a thread of a pool."""
    call = sdk_call()
    for line in sys.stdin:
        in_flight, calls = map(int, line.split())
        with ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(lambda _: call(), range(in_flight)))  # warm up
            started_at = time.perf_counter()
            list(pool.map(lambda _: call(), range(calls)))
            print(time.perf_counter() - started_at, flush=True)


async def run_bot_client() -> None:
    """Calls of the bot's client, which signs as the SDK does."""
    from bot.core.messages import Language
    from bot.taurusdb.client import TaurusDb
    from bot.taurusdb.signing import AkSk

    project = os.environ["HW_PROJECT_ID"]
    signer = AkSk("bench-access-key", "bench-secret-key", "", project)
    async with aclosing(TaurusDb(os.environ["TAURUSDB_ENDPOINT"], project, signer)) as cloud:

        async def may_send() -> bool:
            return True

        async def call() -> object:
            return await cloud.upgrade(
                INSTANCE, delay=False, skip_validate=False, language=Language.EN, may_send=may_send
            )

        while line := await asyncio.to_thread(sys.stdin.readline):
            in_flight, calls = map(int, line.split())
            await make_calls(call, in_flight, in_flight)  # warm up
            started_at = time.perf_counter()
            await make_calls(call, in_flight, calls)
            print(time.perf_counter() - started_at, flush=True)


async def make_calls(call: Callable[[], Awaitable[object]], in_flight: int, calls: int) -> None:
    """Make so many calls, `in_flight` at a time."""
    remaining = iter(range(calls))

    async def worker() -> None:
        for _ in remaining:
            await call()

    await asyncio.gather(*(worker() for _ in range(in_flight)))


if __name__ == "__main__":
    asyncio.run(run_sdk() if sys.argv[1] == "sdk" else run_bot_client())
