"""The messages in the question's thread: the job and its progress, or why there is none, and the end."""

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject, PlainTextObject

from bot.core import facts, scheduled, setbacks
from bot.core import news as ends
from bot.core.durations import duration
from bot.core.instances import Instance
from bot.core.sentence import Code, Person, Sentence
from bot.core.upgrade import News, Sight, State, Upgrade
from bot.locales.catalog import Words
from bot.slack.markup import DIALOG, MRKDWN
from bot.slack.views.view import View, context, section, view

BAR = 10  # cells of the progress bar
_LOUD = frozenset({News.FAILED, News.CANCELED, News.UNSURE, News.UNRESOLVED})


def broadcasts(news: News) -> bool:
    """Whether this news is also shown in the channel, for the incident."""
    return news in _LOUD


def news(upgrade: Upgrade, what: News, words: Words) -> View:
    """The message for one piece of news; the question and its card are another view's."""
    match what:
        case News.STARTED | News.FOUND | News.PROGRESS:
            return _job(upgrade, what, words)
        case News.REFUSED | News.NOT_SENT | News.UNSURE:
            return _fault(upgrade, what, words)
        case News.TROUBLE:
            said = words.say(ends.LookingTrouble(Code(upgrade.job_id or "")), MRKDWN)
            return view(said, section(f":warning: {said}"))
        case News.UNRESOLVED:
            return _unresolved(upgrade, words)
        case News.COMPLETED | News.FAILED | News.CANCELED:
            return _end(upgrade, what, words)
        case _:
            raise ValueError(what)


def _job(upgrade: Upgrade, what: News, words: Words) -> View:
    """The job id, and how far it is: one message, edited as the job goes on."""
    instance, job = Code(upgrade.instance_id), Code(upgrade.job_id or "")
    told: dict[News, Sentence] = {
        News.STARTED: ends.JobAccepted(instance, job),
        News.FOUND: ends.JobFound(instance, job),
    }
    said = words.say(told.get(what, ends.JobRuns(instance, job)), MRKDWN)
    if upgrade.job_status:
        said = f"{said}\n{words.say(_progress(upgrade, words), MRKDWN)}"
    return view(said, section(said), *([_cancel(upgrade, words)] if _awaits_window(upgrade) else []))


def _awaits_window(upgrade: Upgrade) -> bool:
    """Whether it can still be taken back, as far as the last look told."""
    return upgrade.delay and upgrade.state is State.FOLLOWING and upgrade.job_status in ("", "Pending")


def _cancel(upgrade: Upgrade, words: Words) -> Block:
    """Take the scheduled upgrade back; Slack asks a second time."""
    dialog = ConfirmObject(
        title=words.say(scheduled.CancelScheduledTitle()),
        text=PlainTextObject(text=words.say(scheduled.CancelScheduledAsk(Code(upgrade.instance_id)), DIALOG)),
        confirm=words.say(scheduled.CancelScheduledOk()),
        deny=words.say(scheduled.CancelScheduledKeep()),
        style="danger",
    )
    label = words.say(scheduled.CancelScheduledButton())
    button = ButtonElement(text=label, action_id="cancel_scheduled", value=upgrade.id, confirm=dialog)
    return ActionsBlock(elements=[button])


def _progress(upgrade: Upgrade, words: Words) -> Sentence:
    """How far the job is, in one line."""
    status = words.job_status(upgrade.job_status)
    percent = 100 if upgrade.state is State.COMPLETED else upgrade.percent
    if percent is not None:
        percent = min(max(percent, 0), 100)
        return ends.JobProgress(bar(percent), percent, status)
    if upgrade.job_status == "Pending" and upgrade.delay:
        return ends.AwaitsWindow(status)
    return ends.AwaitsAuthorization(status) if upgrade.job_status == "Unauthorized" else ends.JobStatus(status)


def bar(percent: int) -> str:
    """A bar of ten cells; it is full only at 100 %."""
    full = percent * BAR // 100
    return "▓" * full + "░" * (BAR - full)


def _fault(upgrade: Upgrade, what: News, words: Words) -> View:
    """Why there is no job id: in words, what to do next, and beneath it what the API itself said."""
    instance = Code(upgrade.instance_id)
    told: dict[News, tuple[str, str, Sentence]] = {
        News.REFUSED: (":no_entry:", "refused", setbacks.UpgradeRefused(instance)),
        News.NOT_SENT: (":no_entry:", "not_sent", setbacks.UpgradeNotSent(instance)),
        News.UNSURE: (":grey_question:", "unknown", setbacks.OutcomeUnknown(instance)),
    }
    sign, outcome, sentence = told[what]
    said = words.say(sentence, MRKDWN)
    advice = words.advice(outcome, upgrade.http_status, upgrade.error_code)
    more = [advice.meaning, *_running(upgrade, words), advice.next]
    if what is News.UNSURE:
        more.insert(0, words.say(setbacks.DoNotRepeat(), MRKDWN))
    details = [words.say(detail, MRKDWN) for detail in _details(upgrade)]
    beneath = [context(*details)] if details else []
    return view("\n".join([said, *more, *details]), section(f"{sign} *{said}*"), section("\n".join(more)), *beneath)


def _running(upgrade: Upgrade, words: Words) -> list[str]:
    """What keeps the instance busy, when that is why the cloud refused."""
    instance = Instance.read(upgrade.about) if upgrade.http_status == 409 else None
    return [words.say(facts.RunsNow(facts.runs(instance)), MRKDWN)] if instance and instance.is_busy else []


def _details(upgrade: Upgrade) -> list[Sentence]:
    """What the API itself said, as far as it said anything."""
    details: list[Sentence] = []
    if upgrade.error_code:
        details.append(setbacks.FaultCode(Code(upgrade.error_code)))
    if upgrade.error_msg and upgrade.http_status is not None:  # without an answer it is a word of our own, for the log
        details.append(setbacks.FaultMessage(upgrade.error_msg))
    if upgrade.http_status is not None:
        details.append(setbacks.FaultStatus(upgrade.http_status))
    if upgrade.request_id:
        details.append(setbacks.FaultRequest(Code(upgrade.request_id)))
    return details


def _unresolved(upgrade: Upgrade, words: Words) -> View:
    """Nobody can say what became of it: what was seen, and a button that looks again."""
    instance = Code(upgrade.instance_id)
    sight: dict[str, Sentence] = {
        Sight.IDLE: setbacks.ProbablyNotStarted(instance),
        Sight.BUSY: setbacks.AnotherRuns(instance),
    }
    seen = sight.get(upgrade.sight, setbacks.CouldNotLook(instance))
    if upgrade.job_id:
        seen = setbacks.JobForgotten(instance, Code(upgrade.job_id))
    said = words.say(seen, MRKDWN)
    return view(said, section(f":grey_question: {said}"), _check(upgrade, words))


def _check(upgrade: Upgrade, words: Words) -> Block:
    label = words.say(setbacks.CheckButton())
    return ActionsBlock(elements=[ButtonElement(text=label, action_id="check_outcome", value=upgrade.id)])


def _end(upgrade: Upgrade, what: News, words: Words) -> View:
    """The job's end, told to who asked and who confirmed."""
    instance, job = Code(upgrade.instance_id), Code(upgrade.job_id or "")
    people, took = _people(upgrade), duration((upgrade.ended_at or 0.0) - (upgrade.decided_at or 0.0))
    if what is News.COMPLETED:
        said = words.say(ends.UpgradeCompleted(people, instance, job, took), MRKDWN)
        return view(said, section(f":white_check_mark: {said}"))
    reason: Sentence = ends.FailReason(upgrade.fail_reason) if upgrade.fail_reason else ends.NoFailReason()
    if what is News.FAILED:
        end: Sentence = ends.UpgradeFailed(people, instance, job, took)
        sign, told = ":x:", [reason, ends.AfterFailure()]
    else:
        end, sign = ends.UpgradeCanceled(people, instance, job, took), ":no_entry_sign:"
        told = [reason, ends.AfterCancel()] if upgrade.fail_reason else [ends.AfterCancel()]
    said = words.say(end, MRKDWN)
    more = [words.say(sentence, MRKDWN) for sentence in told]
    return view("\n".join([said, *more]), section(f"{sign} {said}"), *(section(one) for one in more))


def _people(upgrade: Upgrade) -> Person | ends.Both:
    """Who asked and who confirmed; once when it is one person."""
    asked_by = Person(upgrade.asked_by)
    if upgrade.decided_by in (None, upgrade.asked_by):
        return asked_by
    return ends.Both(asked_by, Person(upgrade.decided_by or ""))
