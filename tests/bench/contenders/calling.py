"""Calls of the cloud's upgrade: `ours` by the bot's client, `sdk` by the official SDK and a pool of threads.

Reads lines `IN_FLIGHT CALLS` and answers each with the seconds it took.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

INSTANCE = f"{7:032x}in17"


def by_sdk() -> Callable[[], object]:
    """One call of the official SDK, as its own examples write it."""
    auth, api = import_module("huaweicloudsdkcore.auth.credentials"), import_module("huaweicloudsdkgaussdb.v3")
    signer = auth.BasicCredentials("bench-access-key", "bench-secret-key", os.environ["HW_PROJECT_ID"])
    client = (
        api.GaussDBClient.new_builder().with_credentials(signer).with_endpoint(os.environ["TAURUSDB_ENDPOINT"]).build()
    )
    body = api.UpgradeSrKernelVersionRequestV3(delay=False, is_skip_validate=False)
    request = api.UpgradeSrKernelVersionRequest(instance_id=INSTANCE, x_language="en-us", body=body)
    return lambda: client.upgrade_sr_kernel_version(request)


async def serve_sdk() -> None:
    """Calls of the SDK, each in a thread of a pool."""
    call = by_sdk()
    for line in sys.stdin:
        level, calls = map(int, line.split())
        with ThreadPoolExecutor(level) as pool:
            list(pool.map(lambda _: call(), range(level)))  # warm
            began = time.perf_counter()
            list(pool.map(lambda _: call(), range(calls)))
            print(time.perf_counter() - began, flush=True)


async def serve_ours() -> None:
    """Calls of the bot's client, which signs as the SDK does."""
    from bot.core.sentence import Language
    from bot.taurusdb.client import TaurusDb
    from bot.taurusdb.signing import AkSk

    project = os.environ["HW_PROJECT_ID"]
    signer = AkSk("bench-access-key", "bench-secret-key", "", project)
    async with TaurusDb(os.environ["TAURUSDB_ENDPOINT"], project, signer) as cloud:

        async def call() -> object:
            return await cloud.upgrade(
                INSTANCE, delay=False, skip_validate=False, language=Language.EN, may_send=lambda: True
            )

        while line := await asyncio.to_thread(sys.stdin.readline):
            level, calls = map(int, line.split())
            await together(call, level, level)  # warm
            began = time.perf_counter()
            await together(call, level, calls)
            print(time.perf_counter() - began, flush=True)


async def together(call: Callable[[], Awaitable[object]], level: int, calls: int) -> None:
    """So many calls, `level` at a time."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(worker() for _ in range(level)))


if __name__ == "__main__":
    asyncio.run(serve_sdk() if sys.argv[1] == "sdk" else serve_ours())
