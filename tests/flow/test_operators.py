"""What operators ask the bot in Slack, privately."""

from tests.house import CHANNEL, House, said


async def test_the_doctor_answers_privately(home: House) -> None:
    await home.slack.command("sre", CHANNEL, "doctor")
    assert "The bot can work" in said(await home.whispered("sre", "doctor", 30))
    assert not home.slack.messages(CHANNEL)


async def test_history_and_status_tell_what_was_and_what_lives(home: House) -> None:
    await home.slack.command("dba", CHANNEL, "history")
    await home.whispered("dba", "还没有")
    home.cloud.set_speed("paused")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    for what in ("history", "status", f"status {home.instance()}"):
        before = len(home.slack.ephemerals("sre"))
        await home.slack.command("sre", CHANNEL, what)
        answer = (await home.until(lambda before=before: home.slack.ephemerals("sre")[before:] or None))[0]  # type: ignore[misc]
        assert home.instance() in said(answer)
        assert message.ts.replace(".", "") in said(answer)


async def test_a_guest_is_told_no_history(home: House) -> None:
    await home.slack.command("guest", CHANNEL, "history")
    await home.whispered("guest", "Guests can")
    assert len(home.slack.ephemerals("guest")) == 1
