"""Results as text and in short."""

from bot.doctor.report import MAX_SUMMARY_CHARACTERS, Check, CheckStatus, to_summary, to_text


def test_the_summary_has_failures_first_and_stays_short() -> None:
    fine = Check("settings", CheckStatus.PASS, "fine")
    warning = Check("slack.channel.C1", CheckStatus.WARN, "a word", "do this")
    failures = [Check(f"slack.channel.C{n}", CheckStatus.FAIL, "the bot is not in it", "invite it") for n in range(99)]
    summary = to_summary([fine, warning, *failures])
    assert summary.index("fail slack.channel.C0") < summary.index("fail slack.channel.C1")
    assert len(summary) < MAX_SUMMARY_CHARACTERS + 60
    assert "more: run `python -m bot doctor`" in summary
    assert "warn slack.channel.C1: a word -> do this" in to_summary([fine, warning])


def test_a_detail_cannot_move_the_cursor() -> None:
    assert "\x1b" not in to_text([Check("a", CheckStatus.PASS, "\x1b[2J\r\n")], colored=False)
