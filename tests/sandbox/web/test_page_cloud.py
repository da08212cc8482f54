"""The Cloud panel: instances, jobs, the fault of the next call and the speed of jobs."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.taurusdb import FAULTS, SPEEDS, JobPlan, StandInCloud
from bot.sandbox.taurusdb.server import SECOND_PROJECT_ID
from bot.taurusdb.http import RESPONSE_SECONDS
from tests.sandbox.web.upgrade_request import send_upgrade


async def test_instances_show_versions_state_and_what_runs(page: Page, cloud: StandInCloud) -> None:
    instances = page.locator("#instances > li")
    await expect(instances).to_have_count(len(cloud.instances))
    ready = instances.filter(has_text="sr-orders")
    await expect(ready).to_contain_text("3.1.15 → 3.1.18")
    await expect(ready).to_contain_text(cloud.instances["sr-orders"].id)
    await expect(instances.filter(has_text="sr-reports")).to_contain_text("3.1.18 latest")
    await expect(instances.filter(has_text="sr-billing")).to_contain_text("Runs: restarting")
    await expect(instances.filter(has_text="sr-archive")).to_contain_text("abnormal")


async def test_a_data_sync_task_is_put_on_an_instance_and_taken_away(page: Page, cloud: StandInCloud) -> None:
    ready = page.locator("#instances > li").filter(has_text="sr-orders")
    await page.get_by_role("button", name="Add a data-sync task to sr-orders").click()
    await expect(ready).to_contain_text("Data-sync: orders_to_sr: incremental")
    assert cloud.instances["sr-orders"].sync_tasks
    await page.get_by_role("button", name="Remove the data-sync task of sr-orders").click()
    await expect(ready).not_to_contain_text("Data-sync: orders_to_sr")
    assert not cloud.instances["sr-orders"].sync_tasks


async def test_an_id_is_copied(page: Page, cloud: StandInCloud) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy the id of 订单分析").click()
    await expect(page.locator("#announcer")).to_contain_text("The id of 订单分析 is copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == cloud.instances["订单分析"].id


async def test_a_job_is_followed_to_its_end(page: Page, cloud: StandInCloud) -> None:
    cloud.set_speed("paused")
    await send_upgrade(cloud, "sr-orders")
    job = page.locator("#jobs > li")
    await expect(job).to_contain_text("sr-orders")
    cloud.set_progress(cloud.jobs[0].id, 60)
    await expect(job).to_contain_text("60 %")
    await expect(job.get_by_role("progressbar")).to_have_attribute("value", "60")
    await expect(page.locator("#instances > li").filter(has_text="sr-orders")).to_contain_text("Runs: upgrading")
    cloud.finish(cloud.jobs[0].id)
    await expect(job).to_contain_text("Completed")
    await expect(page.locator("#instances > li").filter(has_text="sr-orders")).to_contain_text("3.1.18 latest")


async def test_the_window_of_a_delayed_job_can_be_opened(page: Page, cloud: StandInCloud) -> None:
    cloud.set_speed("hours")
    await send_upgrade(cloud, "sr-orders", delay=True)
    job = page.locator("#jobs > li")
    await expect(job).to_contain_text("waits for its window")
    await job.get_by_role("button", name="Open the maintenance window now").click()
    await expect(job).not_to_contain_text("waits for its window")
    assert not cloud.job_state(cloud.jobs[0].id).waiting


async def test_the_next_call_offers_every_fault_and_returns_to_answers(page: Page, cloud: StandInCloud) -> None:
    fault_select = page.get_by_label("Next call")
    names = await fault_select.locator("option").evaluate_all("options => options.map((option) => option.value)")
    assert names == ["answers", *names[1:]]
    assert set(names[1:]) == set(FAULTS)
    assert len(names) == len(FAULTS) + 1
    await fault_select.select_option("409 DBS.200019")
    await cloud.until(lambda: cloud.snapshot()["fault"])
    await send_upgrade(cloud, "sr-orders")
    assert not cloud.jobs
    await expect(fault_select).to_have_value("answers")
    await fault_select.select_option("hang")
    await cloud.until(lambda: cloud.snapshot()["fault"])
    await fault_select.select_option("answers")
    await cloud.until(lambda: cloud.snapshot()["fault"] is None)


async def test_the_speed_of_jobs_is_chosen(page: Page, cloud: StandInCloud) -> None:
    await page.get_by_label("Speed").select_option("hours")
    await cloud.until(lambda: cloud.snapshot()["speed"] == "hours")
    cloud.set_speed("paused")
    await expect(page.get_by_label("Speed")).to_have_value("paused")


async def test_instances_of_two_projects_show_their_regions(page: Page, cloud: StandInCloud) -> None:
    cloud.add_example_project()
    orders = page.locator("#instances > li").filter(has_text="sr-orders")
    await expect(orders).to_have_count(2)
    await expect(orders.first).to_contain_text("cn-north-4")
    await expect(orders.last).to_contain_text("ap-southeast-3")


async def test_the_window_is_opened_for_the_instance_of_its_own_project(page: Page, cloud: StandInCloud) -> None:
    """Two instances share the name; the button is for the one whose job waits, whatever the speed."""
    cloud.add_example_project()
    cloud.windows_by_calendar = True
    abroad = next(one for one in cloud.list_instances(SECOND_PROJECT_ID) if one.name == "sr-orders")
    for speed in SPEEDS:
        cloud.set_speed(speed)
        job_id = cloud.start_job(abroad, delay=True, plan=JobPlan()).id
        job = page.locator("#jobs > li").filter(has_text=job_id)
        await expect(job).to_contain_text("The window opens")
        assert cloud.job_state(job_id).waiting
        await job.get_by_role("button", name="Open the maintenance window now").click()
        await expect(job).not_to_contain_text("The window opens")
        assert not cloud.job_state(job_id).waiting
        cloud.finish(job_id)


async def test_a_fault_stays_for_every_call_until_it_is_changed(page: Page, cloud: StandInCloud) -> None:
    await page.get_by_label("Every call until changed").check()
    await page.get_by_label("Next call").select_option("429 APIGW.0308")
    await cloud.until(lambda: cloud.snapshot()["fault"])
    for _ in range(3):
        await send_upgrade(cloud, "sr-orders")
    assert not cloud.jobs
    await expect(page.get_by_label("Next call")).to_have_value("429 APIGW.0308")
    await page.get_by_label("Every call until changed").uncheck()
    await cloud.until(lambda: cloud.snapshot()["fault"]["times_left"] == 1)
    await send_upgrade(cloud, "sr-orders")
    await expect(page.get_by_label("Next call")).to_have_value("answers")


@pytest.mark.parametrize("name", ["hang", "accepted, hang"])
async def test_a_hang_says_how_long_the_bot_waits(page: Page, name: str) -> None:
    option = page.locator(f'#fault option[value="{name}"]')
    await expect(option).to_contain_text(f"{RESPONSE_SECONDS:.0f} s")


async def test_the_id_of_a_job_is_copied(page: Page, cloud: StandInCloud) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await send_upgrade(cloud, "sr-orders")
    await page.get_by_role("button", name="Copy the id of the job of sr-orders").click()
    await expect(page.locator("#announcer")).to_contain_text("The id of the job of sr-orders is copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == cloud.jobs[0].id


async def test_a_backup_and_a_restart_are_put_on_an_instance_and_taken_away(page: Page, cloud: StandInCloud) -> None:
    cloud.foreign_tasks.clear()
    ready = page.locator("#instances > li").filter(has_text="sr-orders")
    await page.get_by_role("button", name="Start a backup of sr-orders").click()
    await expect(ready).to_contain_text("Runs: backing up")
    await page.get_by_role("button", name="End the backup of sr-orders").click()
    await expect(ready).not_to_contain_text("Runs:")
    await page.get_by_role("button", name="Schedule a restart of sr-orders").click()
    await expect(ready).to_contain_text("A restart waits for the window")
    assert [task.name for task in cloud.foreign_tasks.values()] == ["RESTART_INSTANCE"]
    await page.get_by_role("button", name="Remove the restart of sr-orders").click()
    await expect(ready).not_to_contain_text("A restart waits for the window")
    assert not cloud.foreign_tasks
