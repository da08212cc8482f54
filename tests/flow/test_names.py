"""Names typed instead of ids, and names that were made to hurt."""

import pytest

from bot.sandbox.cloud.instances import make_instance
from tests.flow.test_instances import CHINESE, ENGLISH, answered, warm
from tests.house import CHANNEL, House, said


@pytest.mark.parametrize("text", ["sr-orders", "SR-ORDERS", "“订单分析”", "--skip-validate sr-metrics —delay"])
@pytest.mark.parametrize("is_warm", [True, False])
async def test_a_name_can_be_typed_instead_of_the_id(empty_home: House, text: str, is_warm: bool) -> None:
    await empty_home.start()
    if is_warm:
        await warm(empty_home)
    message = await empty_home.ask(text)
    wanted = {one.id for one in empty_home.cloud.instances.values() if one.name in text.lower()}
    assert [one for one in wanted if one in message.text] == list(wanted)


async def test_a_name_of_two_instances_is_answered_with_both_ids(empty_home: House) -> None:
    home = empty_home
    twins = [home.cloud.region.put(make_instance("sr-twin", id=letter * 32 + "in17")) for letter in "ab"]
    await home.start()
    await warm(home)
    for person, words in ((ENGLISH, "Several instances are named"), (CHINESE, "有多个实例的名称为")):
        answer = said(await answered(home, person, "sr-twin", words))
        assert all(twin.id in answer for twin in twins)
    assert not home.slack.messages(CHANNEL)


@pytest.mark.parametrize(
    "name", ["<!channel>", "`x` *b* <@U0SRE00001>", "字" * 10_000, "\u202egnp.exe", "&lt;!here&gt;", ""]
)
async def test_hostile_names_are_shown_and_never_become_markup(empty_home: House, name: str) -> None:
    instance = empty_home.cloud.add_instance(name, id="a" * 32 + "in17")
    await empty_home.start()
    await warm(empty_home)
    message = await empty_home.ask(instance.id)
    await empty_home.slack.command(ENGLISH, CHANNEL, "")
    listed = await empty_home.whispered(ENGLISH, "StarRocks instances")
    for spoken in (message, listed):
        everything = str(spoken.blocks) + spoken.text
        for markup in ("<!channel>", "<!here>", "<@U0SRE00001> ", "\u202e"):
            assert name == "" or markup not in everything.replace("<@U0SRE00001> asks", "")
        assert len(spoken.text) <= 4000
