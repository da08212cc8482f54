"""The messages in the card's thread: the job and its progress, why there is no job, and the end."""

from bot.core.actions import Action
from bot.core.instances import actions_listing, nodes_message, state_field, version_text
from bot.core.messages import Code, Link, Message, Person, Term, Time, Vocabulary, duration_message
from bot.core.notifications import Notification
from bot.core.upgrade import (
    PENDING,
    UNAUTHORIZED,
    UNPROVEN_ENDS,
    EndCheck,
    Operation,
    SearchResult,
    State,
    Upgrade,
    replace,
)
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import (
    MRKDWN,
    Block,
    MessageView,
    actions,
    button,
    confirm_dialog,
    context,
    message_view,
    section,
)
from bot.slack.blocks.request_card import ENDS_OF_JOBS, header_message, status_line

PROGRESS_BAR_CELLS = 10
MAX_CONTEXT_LINES = 10  # of small print that Slack takes
CLEAR_RESULTS = {SearchResult.IDLE, SearchResult.BUSY}


def job_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """The job id and its progress: one message, edited while the job goes on."""
    name, job = upgrade.instance_name, Code(upgrade.job_id or "")
    match notification:
        case Notification.JOB_ACCEPTED if upgrade.delay:
            message = Message("job_accepted_delayed", name=name, job=job)
        case Notification.JOB_ACCEPTED:
            message = Message("job_accepted", name=name, job=job)
        case Notification.JOB_FOUND:
            message = Message("job_found", name=name, job=job)
        case _:
            message = Message("job_running", name=name, job=job)
    lines = [translator.render(line, MRKDWN) for line in (message, *_progress(upgrade))]
    text = "\n".join(lines)
    cancel = [_cancel_scheduled(upgrade, translator)] if upgrade.awaits_window else []
    return message_view(text, section(text), *cancel)


def _cancel_scheduled(upgrade: Upgrade, translator: Translator) -> Block:
    dialog = confirm_dialog(
        translator,
        title=Message("cancel_scheduled_title"),
        text=Message("cancel_scheduled_text", name=upgrade.instance_name),
        ok=Message("cancel_scheduled_ok"),
        deny=Message("cancel_scheduled_keep"),
    )
    label = Message("cancel_scheduled_button")
    return actions(button(translator, label, Action.CANCEL_SCHEDULED, upgrade.id, confirm=dialog))


def _progress(upgrade: Upgrade) -> list[Message]:
    """How far the job is; while it runs, since when."""
    status = Term(Vocabulary.JOB_STATUS, upgrade.job_status or PENDING)
    starts_at = upgrade.starts_at if upgrade.awaits_window else None
    if starts_at is not None:
        return [Message("job_starts", status=status, at=Time(starts_at))]
    if not upgrade.job_status:
        return []
    percent = 100 if upgrade.state is State.COMPLETED else upgrade.progress_percent
    if percent is not None:
        percent = min(max(percent, 0), 100)
        bar = Message("job_progress", bar=progress_bar(percent), percent=percent, status=status)
        return [bar, *_running_time(upgrade)]
    if upgrade.awaits_window:
        return [Message("job_awaits_window", status=status)]
    if upgrade.job_status == UNAUTHORIZED:
        return [Message("job_awaits_authorization", status=status, console=upgrade.console)]
    return [Message("job_status", status=status), *_running_time(upgrade)]


def _running_time(upgrade: Upgrade) -> list[Message]:
    """Since when it runs, and how long that was when the progress was read; the end tells the whole duration."""
    if upgrade.state is not State.IN_PROGRESS or upgrade.started_at is None:
        return []
    seconds = (upgrade.progress_at or upgrade.started_at) - upgrade.started_at
    return [Message("job_started", at=Time(upgrade.started_at), duration=duration_message(seconds))]


def progress_bar(percent: int) -> str:
    """A bar of ten cells; it is full only at 100 %."""
    full = percent * PROGRESS_BAR_CELLS // 100
    return "▓" * full + "░" * (PROGRESS_BAR_CELLS - full)


def no_job_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """Why there is no job id: in words, what to do next, and beneath it what the API itself wrote."""
    name, people = upgrade.instance_name, _people(upgrade)
    match notification:
        case Notification.REJECTED if upgrade.is_sign_in_failure:
            emoji, outcome = ":no_entry:", "sign_in"
            message = Message("upgrade_not_sent", people=people, name=name)
        case Notification.REJECTED:
            emoji, outcome = ":no_entry:", "rejected"
            message = Message("upgrade_rejected", people=people, name=name)
            if upgrade.is_unexplained_conflict:
                message = Message("upgrade_rejected_unchecked", people=people, name=name, console=upgrade.console)
        case Notification.NOT_SENT:
            emoji, outcome = ":no_entry:", "sign_in" if upgrade.is_sign_in_failure else "not_sent"
            message = Message("upgrade_not_sent", people=people, name=name)
        case _:
            emoji, outcome = ":warning:", "unknown"
            message = Message("outcome_unknown", people=people, name=name)
    text = translator.render(message, MRKDWN)
    error = translator.error_text(outcome, upgrade.http_status, upgrade.error_code)
    next_step = translator.render_next(error, upgrade.console, MRKDWN)
    lines = [error.meaning, *_conflicting_actions(upgrade, translator), next_step]
    if notification is Notification.OUTCOME_UNKNOWN:
        lines.insert(0, translator.render(Message("do_not_retry"), MRKDWN))
    details = [translator.render(detail, MRKDWN) for detail in _api_details(upgrade)]
    small_print = [context(*details)] if details else []
    return message_view(
        "\n".join([text, *lines, *details]), section(f"{emoji} {text}"), section("\n".join(lines)), *small_print
    )


def _conflicting_actions(upgrade: Upgrade, translator: Translator) -> list[str]:
    """The operations that keep the instance busy, when that is why the cloud rejected the upgrade."""
    instance = upgrade.instance if upgrade.is_conflict else None
    if instance is None or not instance.is_busy:
        return []
    return [translator.render(Message("actions_running", actions=actions_listing(instance)), MRKDWN)]


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


def authorization_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """Somebody has to authorize the job in the console before it goes on."""
    name, job = upgrade.instance_name, Code(upgrade.job_id or "")
    message = Message("authorization_needed", people=_people(upgrade), name=name, console=upgrade.console, job=job)
    text = translator.render(message, MRKDWN)
    return message_view(text, section(f":hand: {text}"))


def polls_failing_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """Several polls in a row failed; polling goes on."""
    name, job = upgrade.instance_name, Code(upgrade.job_id or "")
    text = translator.render(Message("polls_failing", name=name, job=job), MRKDWN)
    return message_view(text, section(f":warning: {text}"))


def unresolved_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """Nobody can say what became of it: what was seen, and a button that searches again."""
    name, people, console = upgrade.instance_name, _people(upgrade), upgrade.console
    if upgrade.job_id:
        job = Code(upgrade.job_id)
        message = Message("unresolved_job_gone", people=people, name=name, console=console, job=job)
    elif upgrade.search_result == SearchResult.IDLE:
        message = Message("unresolved_idle", people=people, name=name, console=console)
    elif upgrade.search_result == SearchResult.BUSY:
        message = Message("unresolved_busy", people=people, name=name, console=console)
    else:
        message = Message("unresolved_inconclusive", people=people, name=name, console=console)
    text = translator.render(message, MRKDWN)
    lines = [translator.render(_operation(operation), MRKDWN) for operation in upgrade.operations]
    search_again = button(translator, Message("search_again_button"), Action.SEARCH_AGAIN, upgrade.id)
    if upgrade.checked_at is not None:
        at, is_clear = Time(upgrade.checked_at), bool(upgrade.job_id) or upgrade.search_result in CLEAR_RESULTS
        checked = Message("checked_nothing_new", at=at) if is_clear else Message("checked_no_result", at=at)
        lines.append(translator.render(checked, MRKDWN))
    small_print = [context(*lines[:MAX_CONTEXT_LINES])] if lines else []
    return message_view("\n".join([text, *lines]), section(f":warning: {text}"), *small_print, actions(search_again))


def _operation(operation: Operation) -> Message:
    """An operation on the instance that is not known to be the upgrade."""
    name = Term(Vocabulary.INSTANCE_ACTION, operation.name)
    if operation.started_at is None:
        return Message("operation_seen", name=name)
    return Message("operation_seen_since", name=name, at=Time(operation.started_at))


def settled_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """A message that called the outcome unknown, as it reads once more is known."""
    name, job = upgrade.instance_name, Code(upgrade.job_id or "")
    match upgrade.state:
        case State.UNRESOLVED if notification is Notification.UNRESOLVED_UPDATE:
            return unresolved_message(upgrade, translator)
        case State.UNRESOLVED:
            emoji, message = ":warning:", Message("unknown_see_below", name=name)
        case State.UNKNOWN:
            return no_job_message(upgrade, Notification.OUTCOME_UNKNOWN, translator)
        case State.COMPLETED:
            # No check mark: this message is not edited again when the instance has been checked.
            emoji, message = ":mag:", Message("found_completed", name=name, job=job)
        case State.FAILED:
            emoji, message = ":x:", Message("found_failed", name=name, job=job)
        case State.CANCELED:
            emoji, message = ":no_entry_sign:", Message("found_canceled", name=name, job=job)
        case State.REJECTED:
            emoji, message = ":no_entry:", Message("found_rejected", name=name)
        case State.NOT_SENT:
            emoji, message = ":no_entry:", Message("found_not_sent", name=name)
        case _:
            emoji, message = ":arrows_counterclockwise:", Message("job_found", name=name, job=job)
    text = translator.render(message, MRKDWN)
    return message_view(text, section(f"{emoji} {text}"))


def end_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """The job's end, and what the instance was like after it; it mentions who requested and who confirmed."""
    name, job, people = upgrade.instance_name, Code(upgrade.job_id or ""), _people(upgrade)
    duration = duration_message((upgrade.ended_at or 0.0) - (upgrade.decided_at or 0.0))
    reason = Message("fail_reason", reason=upgrade.fail_reason) if upgrade.fail_reason else None
    notes: list[Message]
    match upgrade.state:
        case State.COMPLETED:
            emoji = _completed_emoji(upgrade)
            message = Message("upgrade_completed", people=people, name=name, job=job, duration=duration)
            if upgrade.end_check in UNPROVEN_ENDS:
                message = Message("upgrade_reported_completed", people=people, name=name, job=job, duration=duration)
            notes = _after_completion(upgrade)
        case State.FAILED:
            emoji = ":x:"
            message = Message("upgrade_failed", people=people, name=name, job=job, duration=duration)
            notes = [
                reason or Message("no_fail_reason"),
                *_instance_now(upgrade),
                _after_failure(upgrade),
            ]
        case _:
            emoji, message = ":no_entry_sign:", _canceled_message(upgrade, people)
            notes = [*([reason] if reason else []), Message("after_cancel")]
    text = translator.render(message, MRKDWN)
    lines = [translator.render(note, MRKDWN) for note in notes]
    return message_view("\n".join([text, *lines]), section(f"{emoji} {text}"), *(section(line) for line in lines))


def _completed_emoji(upgrade: Upgrade) -> str:
    """A check mark only once nothing is left to be checked."""
    if upgrade.end_check is EndCheck.CHECKING:
        return ":mag:"
    return ":warning:" if upgrade.end_check in UNPROVEN_ENDS else ":white_check_mark:"


def _after_failure(upgrade: Upgrade) -> Message:
    """What to do next: to look at the instance first, unless it was read."""
    instance = upgrade.instance_after
    if instance is None or not instance.status:
        return Message("after_failure", console=upgrade.console)
    return Message("after_failure_normal") if instance.is_normal else Message("after_failure_not_normal")


def _after_completion(upgrade: Upgrade) -> list[Message]:
    """What reading the instance showed, and whether it is read again."""
    match upgrade.end_check:
        case EndCheck.NONE:
            return []
        case EndCheck.NOT_READ:
            return [*_instance_now(upgrade), Message("check_instance", console=upgrade.console)]
        case EndCheck.CHECKING:
            return [*_instance_now(upgrade), Message("end_checking")]
        case EndCheck.NORMAL:
            if upgrade.normal_at is None:  # the cloud never said what is in progress
                return _instance_now(upgrade)
            seconds = upgrade.normal_at - (upgrade.ended_at or 0.0)
            if not seconds:
                return [*_instance_now(upgrade), Message("normal_at_once")]
            return [*_instance_now(upgrade), Message("normal_after", duration=duration_message(max(seconds, 1.0)))]
        case EndCheck.VERSION_UNCHANGED:
            return [Message("end_version_unchanged"), *_instance_now(upgrade)]
        case EndCheck.NOT_NORMAL:
            return [Message("end_not_normal"), *_instance_now(upgrade)]


def _instance_now(upgrade: Upgrade) -> list[Message]:
    """The kernel version before and after, the status and the nodes, as far as the cloud said them after the end."""
    instance = upgrade.instance_after
    if instance is None:
        return [Message("instance_not_read")] if upgrade.end_snapshot else []
    versions, nodes = version_change(upgrade), nodes_message(instance)
    status = state_field(instance, has_nodes=nodes is None)  # else they have a line of their own
    state = Message("instance_now", state=status) if status else Message("instance_state_not_read")
    return [*([versions] if versions else []), state, *([nodes] if nodes else [])]


def version_change(upgrade: Upgrade) -> Message | None:
    """The kernel version before and after, as far as they are known; None when the one after is not."""
    before, after = version_text(upgrade.instance_before), version_text(upgrade.instance_after)
    if not after:
        return None
    if not before:
        return Message("kernel_version_now", after=after)
    if before == after:
        return Message("kernel_version_still", after=after)
    return Message("kernel_version_change", before=before, after=after)


def report_message(upgrade: Upgrade, link: str, translator: Translator) -> MessageView:
    """The message of the report channel: one for each confirmed upgrade, edited to its end."""
    emoji, title = header_message(upgrade)
    requester, confirmer = Person(upgrade.requested_by), Person(upgrade.decided_by or upgrade.requested_by)
    people = Message("report_requester", requester=requester)  # the status line names the confirmer
    if upgrade.state in ENDS_OF_JOBS:
        people = Message("report_people", requester=requester, confirmer=confirmer)
    before = version_text(upgrade.instance_before)
    version = Message("version_only", version=before) if before else None
    ends = _after_completion(upgrade) if upgrade.state is State.COMPLETED else []
    ends = _instance_now(upgrade) if upgrade.state is State.FAILED else ends
    groups: list[list[Message]] = [
        [
            status_line(replace(upgrade, progress_percent=None)),  # edited when the state changes only
            people,
            Message("report_options", options=Code(upgrade.flags)) if upgrade.flags else Message("report_no_options"),
            *([Message("field", label=Message("field_version"), value=version)] if version and not ends else []),
        ],
        ends,
        [Message("fail_reason", reason=upgrade.fail_reason)] if upgrade.fail_reason else [],
        [
            *([Message("job_id", job=Code(upgrade.job_id))] if upgrade.job_id else []),
            *([Message("report_link", link=Link(link))] if link else []),
        ],
    ]
    head = f"{emoji} {translator.render(title, MRKDWN)}"
    texts = ["\n".join(translator.render(line, MRKDWN) for line in group) for group in groups if group]
    code = translator.render(Message("unnamed_instance", instance=Code(upgrade.instance_id)), MRKDWN)
    return message_view("\n".join([head, *texts]), section(f"*{head}*"), *map(section, texts), context(code))


def end_alarm_message(upgrade: Upgrade, translator: Translator) -> MessageView:
    """A completed upgrade whose instance is not what it should be: somebody has to look."""
    name, people = upgrade.instance_name, _people(upgrade)
    is_unchanged = upgrade.end_check is EndCheck.VERSION_UNCHANGED
    alarm = Message("alarm_version_unchanged", people=people, name=name)
    next_step = Message("check_version", console=upgrade.console)
    if not is_unchanged:
        alarm = Message("alarm_not_normal", people=people, name=name)
        next_step = Message("check_instance_again", console=upgrade.console)
    notes = [
        *_instance_now(upgrade),
        next_step,
        Message("job_id", job=Code(upgrade.job_id or "")),
    ]
    text = translator.render(alarm, MRKDWN)
    lines = "\n".join(translator.render(note, MRKDWN) for note in notes)
    return message_view(f"{text}\n{lines}", section(f":warning: {text}"), section(lines))


def _canceled_message(upgrade: Upgrade, people: Person | Message) -> Message:
    """By whom, when that was done from Slack."""
    name, job = upgrade.instance_name, Code(upgrade.job_id or "")
    if upgrade.canceled_by is None:
        duration = duration_message((upgrade.ended_at or 0.0) - (upgrade.decided_at or 0.0))
        return Message("upgrade_canceled", people=people, name=name, job=job, duration=duration)
    canceler, requester = Person(upgrade.canceled_by), Person(upgrade.requested_by)
    return Message("upgrade_canceled_by", people=people, name=name, canceler=canceler, requester=requester, job=job)


def _people(upgrade: Upgrade) -> Person | Message:
    """Who requested and who confirmed; once when it is one person."""
    requester = Person(upgrade.requested_by)
    if upgrade.decided_by in (None, upgrade.requested_by):
        return requester
    return Message("requester_and_confirmer", requester=requester, confirmer=Person(upgrade.decided_by or ""))
