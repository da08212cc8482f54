"""The messages in the card's thread: the job and its progress, why there is no job, and the end."""

from slack_sdk.models.blocks import Block

from bot.core.actions import Action
from bot.core.instances import Instance, actions_text
from bot.core.messages import Code, Message, Person, Time, duration_message
from bot.core.notifications import Notification
from bot.core.polling import PENDING, UNAUTHORIZED
from bot.core.upgrade import Operation, SearchResult, State, Upgrade
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import (
    MRKDWN,
    MessageView,
    actions,
    button,
    confirm_dialog,
    context,
    message_view,
    section,
)

PROGRESS_BAR_CELLS = 10


def job_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """The job id and its progress: one message, edited while the job goes on."""
    instance, job = Code(upgrade.instance_id), Code(upgrade.job_id or "")
    match notification:
        case Notification.JOB_ACCEPTED:
            message = Message("job_accepted", instance=instance, job=job)
        case Notification.JOB_FOUND:
            message = Message("job_found", instance=instance, job=job)
        case _:
            message = Message("job_running", instance=instance, job=job)
    text = translator.render(message, MRKDWN)
    if upgrade.job_status:
        text = f"{text}\n{translator.render(_progress(upgrade, translator), MRKDWN)}"
    cancel = [_cancel_scheduled(upgrade, translator)] if _awaits_window(upgrade) else []
    return message_view(text, section(text), *cancel)


def _awaits_window(upgrade: Upgrade) -> bool:
    """Whether it can still be canceled, as far as the last poll showed."""
    return upgrade.delay and upgrade.state is State.IN_PROGRESS and upgrade.job_status in ("", PENDING)


def _cancel_scheduled(upgrade: Upgrade, translator: Translator) -> Block:
    dialog = confirm_dialog(
        translator,
        title=Message("cancel_scheduled_title"),
        text=Message("cancel_scheduled_text", instance=Code(upgrade.instance_id)),
        ok=Message("cancel_scheduled_ok"),
        deny=Message("cancel_scheduled_keep"),
    )
    label = Message("cancel_scheduled_button")
    return actions(button(translator, label, Action.CANCEL_SCHEDULED, upgrade.id, confirm=dialog))


def _progress(upgrade: Upgrade, translator: Translator) -> Message:
    """How far the job is, in one line."""
    status = translator.job_status(upgrade.job_status)
    percent = 100 if upgrade.state is State.COMPLETED else upgrade.progress_percent
    if percent is not None:
        percent = min(max(percent, 0), 100)
        return Message("job_progress", bar=progress_bar(percent), percent=percent, status=status)
    if upgrade.job_status == PENDING and upgrade.delay:
        return Message("job_awaits_window", status=status)
    if upgrade.job_status == UNAUTHORIZED:
        return Message("job_awaits_authorization", status=status)
    return Message("job_status", status=status)


def progress_bar(percent: int) -> str:
    """A bar of ten cells; it is full only at 100 %."""
    full = percent * PROGRESS_BAR_CELLS // 100
    return "▓" * full + "░" * (PROGRESS_BAR_CELLS - full)


def no_job_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """Why there is no job id: in words, what to do next, and beneath it what the API itself wrote."""
    instance = Code(upgrade.instance_id)
    match notification:
        case Notification.REJECTED:
            emoji, outcome = ":no_entry:", "rejected"
            message = Message("upgrade_rejected", instance=instance)
            if upgrade.is_unexplained_conflict:
                message = Message("upgrade_rejected_unchecked", instance=instance)
        case Notification.NOT_SENT:
            emoji, outcome, message = ":no_entry:", "not_sent", Message("upgrade_not_sent", instance=instance)
        case _:
            emoji, outcome, message = ":grey_question:", "unknown", Message("outcome_unknown", instance=instance)
    text = translator.render(message, MRKDWN)
    error = translator.error_text(outcome, upgrade.http_status, upgrade.error_code)
    lines = [error.meaning, *_conflicting_actions(upgrade, translator), error.next]
    if notification is Notification.OUTCOME_UNKNOWN:
        lines.insert(0, translator.render(Message("do_not_retry"), MRKDWN))
    details = [translator.render(detail, MRKDWN) for detail in _api_details(upgrade)]
    small_print = [context(*details)] if details else []
    return message_view(
        "\n".join([text, *lines, *details]), section(f"{emoji} *{text}*"), section("\n".join(lines)), *small_print
    )


def _conflicting_actions(upgrade: Upgrade, translator: Translator) -> list[str]:
    """The operations that keep the instance busy, when that is why the cloud rejected the upgrade."""
    instance = Instance.from_json(upgrade.instance_snapshot) if upgrade.is_conflict else None
    if instance is None or not instance.is_busy:
        return []
    return [translator.render(Message("actions_running", actions=actions_text(instance)), MRKDWN)]


def _api_details(upgrade: Upgrade) -> list[Message]:
    """What the API itself wrote, as far as it wrote anything."""
    details: list[Message] = []
    if upgrade.error_code:
        details.append(Message("error_code", code=Code(upgrade.error_code)))
    if upgrade.error_msg:
        details.append(Message("error_message", message=upgrade.error_msg))
    if upgrade.http_status is not None:
        details.append(Message("http_status", status=upgrade.http_status))
    if upgrade.api_request_id:
        details.append(Message("api_request_id", request=Code(upgrade.api_request_id)))
    return details


def polls_failing_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """Several polls in a row failed; polling goes on."""
    text = translator.render(Message("polls_failing", job=Code(upgrade.job_id or "")), MRKDWN)
    return message_view(text, section(f":warning: {text}"))


def unresolved_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """Nobody can say what became of it: what was seen, and a button that searches again."""
    instance = Code(upgrade.instance_id)
    if upgrade.job_id:
        message = Message("unresolved_job_gone", instance=instance, job=Code(upgrade.job_id))
    elif upgrade.search_result == SearchResult.IDLE:
        message = Message("unresolved_idle", instance=instance)
    elif upgrade.search_result == SearchResult.BUSY:
        message = Message("unresolved_busy", instance=instance)
    else:
        message = Message("unresolved_inconclusive", instance=instance)
    text = translator.render(message, MRKDWN)
    lines = [translator.render(_operation(operation), MRKDWN) for operation in upgrade.operations]
    search_again = button(translator, Message("search_again_button"), Action.SEARCH_AGAIN, upgrade.id)
    return message_view(
        "\n".join([text, *lines]),
        section(f":grey_question: {text}"),
        *([section("\n".join(lines))] if lines else []),
        actions(search_again),
    )


def _operation(operation: Operation) -> Message:
    """An operation on the instance that is not known to be the upgrade, by the API's name for it."""
    if operation.started_at is None:
        return Message("operation_seen", name=operation.name)
    return Message("operation_seen_since", name=operation.name, at=Time(operation.started_at))


def end_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """The job's end; it mentions who requested and who confirmed."""
    instance, job, people = Code(upgrade.instance_id), Code(upgrade.job_id or ""), _people(upgrade)
    duration = duration_message((upgrade.ended_at or 0.0) - (upgrade.decided_at or 0.0))
    reason = Message("fail_reason", reason=upgrade.fail_reason) if upgrade.fail_reason else None
    match notification:
        case Notification.COMPLETED:
            emoji = ":white_check_mark:"
            message = Message("upgrade_completed", people=people, instance=instance, job=job, duration=duration)
            notes = []
        case Notification.FAILED:
            emoji = ":x:"
            message = Message("upgrade_failed", people=people, instance=instance, job=job, duration=duration)
            notes = [reason or Message("no_fail_reason"), Message("after_failure")]
        case _:
            emoji = ":no_entry_sign:"
            message = Message("upgrade_canceled", people=people, instance=instance, job=job, duration=duration)
            notes = [*([reason] if reason else []), Message("after_cancel")]
    text = translator.render(message, MRKDWN)
    lines = [translator.render(note, MRKDWN) for note in notes]
    return message_view("\n".join([text, *lines]), section(f"{emoji} {text}"), *(section(line) for line in lines))


def _people(upgrade: Upgrade) -> Person | Message:
    """Who requested and who confirmed; once when it is one person."""
    requester = Person(upgrade.requested_by)
    if upgrade.decided_by in (None, upgrade.requested_by):
        return requester
    return Message("requester_and_confirmer", requester=requester, confirmer=Person(upgrade.decided_by or ""))
