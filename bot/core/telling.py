"""What delivering news does to an upgrade: pure steps of the book of what Slack has taken and what not."""

from dataclasses import replace

from bot.core.upgrade import EDITS, TELL_SECONDS, News, State, Upgrade

EDIT_SECONDS = 3.0  # at most one edit of the progress message in so many seconds
LONGEST_WAIT = 60.0
LONGEST_ASKED_FOR = 600.0  # whatever Slack says: people wait for the news


def told(upgrade: Upgrade, news: News, at: float, ts: str | None, shown: Upgrade) -> Upgrade:
    """Slack took this news as `shown`; `ts` is the new message's, None for an edit.

    An edit that shows an older state than the row now has is still to be made, also if another had made it before.
    """
    stale = news in EDITS and _face(upgrade) != _face(shown)
    rest = list(upgrade.untold)
    if stale and news not in rest:
        rest.append(news)
    elif not stale and news in rest:
        rest.remove(news)
    step = replace(upgrade, untold=tuple(rest), tell_attempts=0, tell_at=at + TELL_SECONDS if rest else None)
    if news is News.QUESTION:
        return _posted(step, at, ts, shown)
    if news in (News.STARTED, News.FOUND):
        step = replace(step, progress_ts=ts, progress_at=at)
    if news is News.PROGRESS:
        step = replace(step, progress_at=at)
    return step.scheduled()


def _posted(upgrade: Upgrade, at: float, ts: str | None, shown: Upgrade) -> Upgrade:
    """The question stands in a message; one that nobody can answer any more has to lose its buttons there.

    What the cloud said of the instance while it was being posted is added by an edit.
    """
    if upgrade.message_ts is not None:
        return upgrade.scheduled()  # a click told first; a second copy is for whoever clicks it
    step = replace(upgrade, message_ts=ts)
    if step.state is not State.ASKED:
        return step.with_news(at, News.CARD)
    step = replace(step, look_at=step.expires_at)
    return step.scheduled() if step.about == shown.about else step.with_news(at, News.CARD)


def postponed(upgrade: Upgrade, at: float, retry_after: float | None = None) -> Upgrade:
    """Slack did not take it: tried again later, more slowly each time, or when Slack said."""
    attempts = upgrade.tell_attempts + 1
    wait = min(0.5 * 2.0 ** min(attempts, 8), LONGEST_WAIT) if retry_after is None else retry_after
    return held(replace(upgrade, tell_attempts=attempts), at + min(max(wait, 0.0), LONGEST_ASKED_FOR))


def spoilt(upgrade: Upgrade, news: News, at: float, shown: Upgrade) -> Upgrade:
    """An edit that showed `shown` may be made late: if the row has gone on, its own edit is made once more."""
    return upgrade if _face(upgrade) == _face(shown) else upgrade.with_news(at, news)


def held(upgrade: Upgrade, until: float) -> Upgrade:
    """What is untold waits until then; what is told needs no time."""
    if not upgrade.untold:
        return upgrade.scheduled()
    return replace(upgrade, tell_at=until).scheduled()


def dropped(upgrade: Upgrade, news: News) -> Upgrade:
    """This news has no place any more (the message it would edit was deleted)."""
    rest = tuple(one for one in upgrade.untold if one is not news)
    return replace(upgrade, untold=rest, tell_at=upgrade.tell_at if rest else None).scheduled()


def redirected(upgrade: Upgrade, channel: str, at: float) -> Upgrade:
    """The channel is gone: what is left goes to the requester directly; the lost question cannot be edited any more."""
    rest = tuple(news for news in upgrade.untold if news not in EDITS)
    step = replace(upgrade, direct_channel=channel, untold=rest, progress_ts=None, tell_attempts=0)
    return held(step, at + TELL_SECONDS) if rest else replace(step, tell_at=None).scheduled()


def untellable(upgrade: Upgrade) -> Upgrade:
    """Neither the channel nor the person takes any message: the log is all that is left."""
    return replace(upgrade, untold=(), tell_at=None).scheduled()


def may_edit_at(upgrade: Upgrade) -> float:
    """From when on the progress message may be edited again."""
    return (upgrade.progress_at or 0.0) + EDIT_SECONDS


def _face(upgrade: Upgrade) -> tuple[object, ...]:
    """What an edit shows."""
    return (upgrade.state, upgrade.job_id, upgrade.job_status, upgrade.percent, upgrade.about)
