"""What the cloud answers to the one POST, and what people are told of it."""

import pytest

from tests.house import CHANNEL, House, buttons, said

REFUSED = [
    "400 DBS.200022",
    "400 DBS.05000008",
    "400 DBS.05000012",
    "400 DBS.280001",
    "409 DBS.200019",
    "403 APIGW.0302",
    "404 APIGW.0101",
]
UNKNOWN = [
    "500 DBS.05000000",
    "502 APIGW.0201",
    "504 APIGW.0201",
    "html",
    "no job_id",
    "redirect",
    "huge",
    "wrong types",
    "empty body",
    "half answer",
    "accepted, answer lost",
    "accepted, reset",
    "lost before",
]


@pytest.mark.parametrize("mishap", REFUSED)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_a_refusal_is_told_with_the_apis_own_code_and_what_to_do(home: House, mishap: str, person: str) -> None:
    home.cloud.choose_mishap(mishap)
    message = await home.ask(home.instance(), person=person)
    await home.confirm(message, person=person)
    status, code = mishap.split()
    words = said(await home.told(message, code))
    assert status in words
    assert any("\u4e00" <= letter <= "\u9fff" for letter in words) == (person == "dba")
    assert not buttons(home.card(message))
    assert len(home.cloud.upgrades) == 1


@pytest.mark.parametrize("mishap", UNKNOWN)
@pytest.mark.parametrize(("person", "word"), [("sre", "unknown"), ("dba", "未知")])
async def test_an_answer_that_proves_nothing_is_told_as_unknown(
    home: House, mishap: str, person: str, word: str
) -> None:
    home.cloud.set_speed("paused")
    home.cloud.choose_mishap(mishap)
    message = await home.ask(home.instance(), person=person)
    await home.confirm(message, person=person)
    await home.told(message, word)
    assert len(home.cloud.upgrades) == 1


@pytest.mark.parametrize("mishap", ["429 APIGW.0308", "503 APIGW.0613"])
async def test_what_was_certainly_not_passed_on_is_tried_again(home: House, mishap: str) -> None:
    home.cloud.choose_mishap(mishap)
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    assert [call.took_effect for call in home.cloud.upgrades] == [False, True]


async def test_a_cloud_that_cannot_be_reached_is_told_as_not_sent(home: House) -> None:
    message = await home.ask(home.instance())
    await home.cloud.refuse_connections()
    await home.confirm(message)
    await home.until(lambda: home.thread(message) or None, 30)
    assert "could not be sent" in said(home.thread(message)[0])


async def test_a_token_that_ended_early_is_renewed_once(home: House) -> None:
    first = await home.ask(home.instance())
    await home.confirm(first)
    await home.seen(first, "job")
    home.cloud.revoke_tokens()
    second = await home.ask(home.instance("sr-metrics"))
    await home.confirm(second)
    await home.seen(second, "job")
    assert home.cloud.sign_ins == 2


async def test_fifty_upgrades_at_once_sign_in_once(home: House) -> None:
    instances = home.cloud.add_instances(50)
    messages = [await home.ask(instance.id) for instance in instances]
    for message in messages:
        await home.confirm(message)
    await home.cloud.until(lambda: len(home.cloud.upgrades) == 50, 30)
    assert home.cloud.sign_ins == 1


async def test_a_wrong_password_is_told_and_the_bot_lives(empty_home: House) -> None:
    await empty_home.start(HW_USER_PASSWORD="wrong")
    message = await empty_home.ask(empty_home.instance())
    await empty_home.confirm(message)
    await empty_home.until(lambda: empty_home.thread(message) or None)
    assert not empty_home.cloud.upgrades
    await empty_home.slack.command("sre", CHANNEL, "help")
    await empty_home.whispered("sre")


async def test_the_api_texts_are_escaped(home: House) -> None:
    home.cloud.choose_mishap("400 DBS.280001")
    message = await home.ask(home.instance())
    await home.confirm(message)
    reply = await home.told(message, "DBS.280001")
    assert "<!" not in str(reply.blocks)
