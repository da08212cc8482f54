"""Names typed instead of ids, and names that were made to hurt."""

import pytest

from tests.driver import CHANNEL, BotDriver, text_of
from tests.workflow.test_preflight import CHINESE, ENGLISH, answered, warm


@pytest.mark.parametrize("text", ["sr-orders", "SR-ORDERS", "“订单分析”", "--skip-validate sr-metrics —delay"])
@pytest.mark.parametrize("is_warm", [True, False])
async def test_a_name_can_be_typed_instead_of_the_id(idle_driver: BotDriver, text: str, is_warm: bool) -> None:
    await idle_driver.start()
    if is_warm:
        await warm(idle_driver)
    message = await idle_driver.request(text)
    wanted = {one.id for one in idle_driver.cloud.instances.values() if one.name in text.lower()}
    assert [one for one in wanted if one in message.text] == list(wanted)


async def test_a_name_of_two_instances_is_answered_with_both_ids(idle_driver: BotDriver) -> None:
    driver = idle_driver
    twins = [driver.cloud.add_instance("sr-twin", id=letter * 32 + "in17") for letter in "ab"]
    await driver.start()
    await warm(driver)
    for person, words in ((ENGLISH, "Several instances are named"), (CHINESE, "有多个实例的名称为")):
        answer = text_of(await answered(driver, person, "sr-twin", words))
        assert all(twin.id in answer for twin in twins)
    assert not driver.slack.messages(CHANNEL)


@pytest.mark.parametrize(
    "name", ["<!channel>", "`x` *b* <@U0SRE00001>", "字" * 10_000, "\u202egnp.exe", "&lt;!here&gt;", ""]
)
async def test_hostile_names_are_shown_and_never_become_markup(idle_driver: BotDriver, name: str) -> None:
    instance = idle_driver.cloud.add_instance(name, id="a" * 32 + "in17")
    await idle_driver.start()
    await warm(idle_driver)
    message = await idle_driver.request(instance.id)
    await idle_driver.slack.command(ENGLISH, CHANNEL, "")
    listed = await idle_driver.wait_for_ephemeral(ENGLISH, "StarRocks instances")
    for spoken in (message, listed):
        everything = str(spoken.blocks) + spoken.text
        for markup in ("<!channel>", "<!here>", "<@U0SRE00001> ", "\u202e"):
            assert name == "" or markup not in everything.replace("<@U0SRE00001> asks", "")
        assert len(spoken.text) <= 4000
