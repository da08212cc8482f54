"""The README's pictures, taken from the running sandbox by chromium: `python -m tests.pictures`.

A request is made, confirmed and followed to its end, once in each language: the open card and the thread as PNG, and
the whole story, in English, as an animated GIF.
"""

import asyncio
import io
import re
import shutil
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Locator, Page, ViewportSize, async_playwright

FOLDER = Path(__file__).parents[1] / ".pictures"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
WIDE: ViewportSize = {"width": 1280, "height": 800}
GIF_WIDTH = 760
FRAME_SECONDS = 0.25
GIF_SECONDS = 10.0
COLORS = 48


@asynccontextmanager
async def sandbox() -> AsyncIterator[str]:
    """A sandbox of its own; its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", "--port", "0"), cwd=FOLDER.parent, stdout=PIPE
    )
    assert process.stdout
    try:
        output = ""
        while not (match := re.search(r"http://\S+", output)):
            line = await process.stdout.readline()
            assert line, f"the sandbox has ended: {output}"
            output += line.decode()
        yield match.group()
    finally:
        process.terminate()
        await process.wait()


async def open_page(browser: Browser, url: str, person: str) -> Page:
    """The page as this person sees it."""
    context = await browser.new_context(viewport=WIDE, device_scale_factor=1, locale="en-GB", timezone_id="UTC")
    page = await context.new_page()
    await page.goto(url)
    await page.locator("#connection[data-state=live]").wait_for()
    await page.get_by_role("radio", name=re.compile(person)).check()
    return page


async def type_command(page: Page, text: str) -> Locator:
    """Send a command; the card that it makes."""
    cards = page.locator("#messages > li")
    before = await cards.count()
    await page.locator("#composer textarea, #composer input").first.press_sequentially(text, delay=15)
    await page.keyboard.press("Enter")
    card = cards.nth(before)
    await card.wait_for()
    return card


async def play(page: Page, confirm: str, end: str, picture: Path) -> None:
    """Request, take a picture of the card, confirm, wait for the end."""
    card = await type_command(page, "/starrocks-upgrade sr-metrics")
    button = card.get_by_role("button", name=confirm, exact=True)
    await button.wait_for()
    await card.get_by_text("3.1.15").first.wait_for()
    await card.screenshot(path=picture)
    await button.click()
    await page.locator("#confirm-accept").wait_for()
    await page.wait_for_timeout(700)  # to be read
    await page.locator("#confirm-accept").click()
    await page.locator("#replies").get_by_text(end).first.wait_for(timeout=60_000)


async def record(page: Page, frames: list[bytes], story: "asyncio.Task[None]") -> None:
    """Take frames until the story is over, and one second longer."""
    over_at = float("inf")
    while time.monotonic() < over_at:
        started_at = time.monotonic()
        frames.append(await page.screenshot())
        if story.done():
            over_at = min(over_at, time.monotonic() + 1.0)
        await asyncio.sleep(max(0.0, FRAME_SECONDS - (time.monotonic() - started_at)))


def write_gif(frames: list[bytes], path: Path) -> None:
    """The frames from the first to the last, evenly thinned out to GIF_SECONDS, in few colours."""
    count = min(int(GIF_SECONDS / FRAME_SECONDS), len(frames))
    chosen = [frames[index * (len(frames) - 1) // (count - 1)] for index in range(count)]
    images = []
    for frame in chosen:
        image = Image.open(io.BytesIO(frame)).convert("RGB")
        size = (GIF_WIDTH, image.height * GIF_WIDTH // image.width)
        images.append(image.resize(size, Image.Resampling.LANCZOS).quantize(COLORS))
    milliseconds = int(GIF_SECONDS * 1000 / len(images))
    images[0].save(path, save_all=True, append_images=images[1:], duration=milliseconds, loop=0, optimize=True)


async def main() -> None:
    """Write all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        async with sandbox() as url:
            page = await open_page(browser, url, "Sam")
            frames: list[bytes] = []
            story = asyncio.create_task(play(page, "Confirm upgrade", "completed", FOLDER / "card-en.png"))
            await record(page, frames, story)
            await story
            await page.screenshot(path=FOLDER / "thread-en.png")
            await asyncio.to_thread(write_gif, frames, FOLDER / "upgrade.gif")
        async with sandbox() as url:
            page = await open_page(browser, url, "李伟")
            await play(page, "确认升级", "完成", FOLDER / "card-zh.png")
            await page.screenshot(path=FOLDER / "thread-zh.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
