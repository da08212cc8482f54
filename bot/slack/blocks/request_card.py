"""The request card: the one message in the channel, with buttons while it is open and its status afterwards."""

from bot.core.actions import Action
from bot.core.command import UpgradeCommand
from bot.core.instances import (
    state_field,
    sync_tasks_field,
    version_field,
    version_text,
    window_field,
)
from bot.core.messages import Code, Link, Message, Person, Project, Time, duration_message
from bot.core.permissions import ConfirmBy
from bot.core.polling import FINAL_STATUSES
from bot.core.replies import earlier_request
from bot.core.upgrade import UNAUTHORIZED, UNPROVEN_ENDS, EndCheck, State, Upgrade
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import (
    HEADER_TEXT,
    MRKDWN,
    Block,
    MessageView,
    actions,
    button,
    confirm_dialog,
    context,
    header,
    message_view,
    section,
    two_columns,
)

ENDS_OF_JOBS = frozenset(FINAL_STATUSES.values())


def request_card(upgrade: Upgrade, translator: Translator, confirmers: ConfirmBy) -> MessageView:
    """The card of an upgrade as the row is; only an open request can be confirmed or canceled."""
    emoji, title_message = header_message(upgrade)
    title = translator.render(title_message, HEADER_TEXT)
    pairs = _fields(upgrade)
    fields = [translator.render(Message("field", label=label, value=value), MRKDWN) for label, value in pairs]
    columns = two_columns(
        *(f"*{translator.render(label)}*\n{translator.render(value, MRKDWN)}" for label, value in pairs)
    )
    if upgrade.state is State.REQUESTED:
        warnings = [translator.render(warning, MRKDWN) for warning in _warnings(upgrade)]
        small_print = [translator.render(term, MRKDWN) for term in _small_print(upgrade, confirmers)]
        return message_view(
            "\n".join([title, *fields, *warnings, *small_print]),
            header(f"{emoji} {title}"),
            columns,
            section("\n".join(f":warning: {warning}" for warning in warnings)),
            _buttons(upgrade, translator),
            context(" · ".join(small_print)),
        )
    status = translator.render(status_line(upgrade), MRKDWN)
    job = [translator.render(Message("job_id", job=Code(upgrade.job_id)), MRKDWN)] if upgrade.job_id else []
    code = translator.render(_whole_id(upgrade), MRKDWN)
    again = [_request_again(upgrade, translator)] if upgrade.state is State.EXPIRED else []
    return message_view(
        "\n".join([title, status, *job, *fields, code]),
        header(f"{emoji} {title}"),
        section("\n".join([status, *job])),
        columns,
        *again,
        context(code),
    )


def header_message(upgrade: Upgrade) -> tuple[str, Message]:
    """What the card is about, in one line with its emoji: the question, then the status."""
    name = upgrade.instance_name
    match upgrade.state:
        case State.REQUESTED if upgrade.delay:
            return "⏳", Message("header_request_window", name=name)
        case State.REQUESTED:
            return "⏳", Message("header_request_now", name=name)
        case State.SUBMITTING:
            return "🔄", Message("header_submitting", name=name)
        case State.IN_PROGRESS if upgrade.job_status == UNAUTHORIZED:
            return "✋", Message("header_awaits_authorization", name=name)
        case State.IN_PROGRESS if upgrade.awaits_window:
            return "🕒", Message("header_scheduled", name=name)
        case State.IN_PROGRESS:
            return "🔄", Message("header_in_progress", name=name)
        case State.COMPLETED if upgrade.end_check in UNPROVEN_ENDS:
            return "⚠️", Message("header_not_proven", name=name)
        case State.COMPLETED if upgrade.end_check is EndCheck.CHECKING:
            return "🔎", Message("header_checking", name=name)
        case State.COMPLETED:
            return "✅", Message("header_completed", name=name)
        case State.FAILED:
            return "❌", Message("header_failed", name=name)
        case State.CANCELED:
            return "🚫", Message("header_canceled", name=name)
        case State.REJECTED:
            return "⛔", Message("header_rejected", name=name)
        case State.NOT_SENT:
            return "⛔", Message("header_not_sent", name=name)
        case State.UNKNOWN:
            return "⚠️", Message("header_unknown", name=name)
        case State.UNRESOLVED:
            return "⚠️", Message("header_unresolved", name=name)
        case State.EXPIRED:
            return "⌛", Message("header_expired", name=name)
        case State.SUPERSEDED:
            return "🚫", Message("header_superseded", name=name)
        case State.WITHDRAWN if upgrade.decided_by is None:
            return "🚫", Message("header_closed", name=name)
        case State.WITHDRAWN:
            return "🚫", Message("header_withdrawn", name=name)


def status_line(upgrade: Upgrade) -> Message:
    """What became of a decided request, and by whom."""
    if upgrade.state is State.EXPIRED:
        return Message("card_expired", at=Time(upgrade.expires_at))
    if upgrade.decided_by is None:
        return Message("card_closed")
    by, requester = Person(upgrade.decided_by), Person(upgrade.requested_by)
    match upgrade.state:
        case State.SUBMITTING:
            return Message("card_submitting", by=by)
        case State.IN_PROGRESS:
            return _in_progress_line(upgrade, by)
        case State.COMPLETED:
            return _completed_line(upgrade)
        case State.FAILED:
            return Message("card_failed")
        case State.CANCELED if upgrade.canceled_by:
            return Message("card_canceled_by", canceler=Person(upgrade.canceled_by), requester=requester)
        case State.CANCELED:
            return Message("card_canceled")
        case State.REJECTED:
            if upgrade.is_unexplained_conflict:
                return Message("card_rejected_unchecked", by=by)
            return Message("card_rejected", by=by)
        case State.NOT_SENT:
            return Message("card_not_sent", by=by)
        case State.UNKNOWN:
            return Message("card_unknown", by=by)
        case State.UNRESOLVED:
            return Message("card_unresolved", by=by)
        case State.SUPERSEDED:
            return Message("card_superseded", link=Link(upgrade.superseded_link), by=by)
        case _ if upgrade.decided_by != upgrade.requested_by:
            return Message("card_withdrawn_for", by=by, requester=requester)
        case _:
            return Message("card_withdrawn", by=by)


def _completed_line(upgrade: Upgrade) -> Message:
    match upgrade.end_check:
        case EndCheck.CHECKING:
            return Message("card_completed_checking")
        case EndCheck.VERSION_UNCHANGED:
            return Message("card_completed_unchanged")
        case EndCheck.NOT_NORMAL:
            return Message("card_completed_not_normal")
        case EndCheck.NOT_READ:
            return Message("card_completed_not_read")
        case EndCheck.NORMAL:
            return Message("card_completed_normal")
        case EndCheck.NONE:
            return Message("card_completed")


def _in_progress_line(upgrade: Upgrade, by: Person) -> Message:
    if upgrade.job_status == UNAUTHORIZED:
        return Message("card_awaits_authorization", by=by, console=upgrade.console)
    if upgrade.awaits_window:
        starts_at = upgrade.starts_at
        if starts_at is None:
            return Message("card_scheduled", by=by)
        return Message("card_scheduled_starts", by=by, at=Time(starts_at))
    if upgrade.started_at is not None and upgrade.running_percent is not None:
        duration = duration_message((upgrade.progress_at or upgrade.started_at) - upgrade.started_at)
        started, percent = Time(upgrade.started_at), min(max(upgrade.running_percent, 0), 100)
        return Message("card_progress", at=started, by=by, percent=percent, duration=duration)
    if upgrade.started_at is not None:
        return Message("card_started", at=Time(upgrade.started_at), by=by)
    return Message("card_in_progress", by=by)


def _fields(upgrade: Upgrade) -> list[tuple[Message, Message]]:
    """The columns: label and value; of a decided request only what still matters."""
    instance = upgrade.instance
    is_open, now = upgrade.state is State.REQUESTED, upgrade.requested_at
    candidates: list[tuple[Message, Message | None]] = [
        (Message("field_requester"), Message("person", person=Person(upgrade.requested_by))),
        (Message("field_mode"), Message("mode_window") if upgrade.delay else Message("mode_immediate")),
    ]
    if upgrade.state in ENDS_OF_JOBS:  # until then the status line says who confirmed
        candidates.append((Message("field_confirmer"), Message("person", person=Person(upgrade.decided_by or ""))))
    if upgrade.project:
        candidates.append((Message("field_project"), Message("project", project=Project(upgrade.project))))
    if not is_open and upgrade.skip_validate:
        candidates.append((Message("field_validation"), Message("validation_skipped")))
    if upgrade.state is State.COMPLETED and (after := version_text(upgrade.instance_after)):
        before = version_text(upgrade.instance_before)
        candidates.append((Message("field_version"), _version_change(before, after)))
    if is_open:
        window = window_field(instance, now) if instance and upgrade.delay else None
        candidates += [
            (Message("field_version"), version_field(instance) if instance else None),
            (Message("field_state"), state_field(instance) if instance else None),
            (Message("field_sync_tasks"), sync_tasks_field(instance)),
            (Message("field_window"), window),
        ]
    return [(label, value) for label, value in candidates if value is not None]


def _version_change(before: str, after: str) -> Message:
    if not before:
        return Message("version_only", version=after)
    if before == after:
        return Message("version_unchanged", version=after)
    return Message("version_change", before=before, after=after)


def _warnings(upgrade: Upgrade) -> list[Message]:
    """One line, below stronger ones: an earlier upgrade with an unknown outcome, the validation that is skipped."""
    earlier = [earlier_request(upgrade.earlier_unresolved)] if upgrade.earlier_unresolved else []
    skipped = [Message("warning_skip_validate")] if upgrade.skip_validate else []
    return [*earlier, *skipped, Message("warning_upgrade")]


def _small_print(upgrade: Upgrade, confirmers: ConfirmBy) -> list[Message]:
    """Until when it can be confirmed, by whom, the whole id, and whether the cloud described the instance."""
    instance = upgrade.instance
    is_described = not upgrade.instance_snapshot or (instance is not None and instance.is_detailed)
    terms = [Message("confirmable_until", until=Time(upgrade.expires_at)), _confirmers(upgrade, confirmers)]
    return [*terms, _whole_id(upgrade), *([] if is_described else [Message("instance_not_described")])]


def _confirmers(upgrade: Upgrade, confirmers: ConfirmBy) -> Message:
    requester = Person(upgrade.requested_by)
    match confirmers:
        case ConfirmBy.REQUESTER:
            return Message("confirmers_requester", requester=requester)
        case ConfirmBy.ANYONE:
            return Message("confirmers_anyone")
        case ConfirmBy.ANOTHER:
            return Message("confirmers_another", requester=requester)


def _whole_id(upgrade: Upgrade) -> Message:
    return Message("unnamed_instance", instance=Code(upgrade.instance_id))


def _request_again(upgrade: Upgrade, translator: Translator) -> Block:
    command = UpgradeCommand(upgrade.instance_id, upgrade.delay, upgrade.skip_validate)
    return actions(button(translator, Message("request_again_button"), Action.REQUEST_AGAIN, command.text))


def _buttons(upgrade: Upgrade, translator: Translator) -> Block:
    return actions(
        button(
            translator,
            Message("confirm_button"),
            Action.CONFIRM,
            upgrade.id,
            style="danger",
            confirm=_dialog(upgrade, translator),
        ),
        button(translator, Message("cancel_button"), Action.CANCEL, upgrade.id),
        button(translator, Message("translate_button"), Action.TRANSLATE, upgrade.id),
    )


def _dialog(upgrade: Upgrade, translator: Translator) -> Block:
    """Slack's confirmation dialog: title and OK of the mode, in stronger words when the validation is skipped."""
    name, instance = upgrade.instance_name, Code(upgrade.instance_id)
    if upgrade.delay:
        title, ok = Message("dialog_title_window"), Message("dialog_ok_window")
        text = Message("dialog_window", name=name, instance=instance)
    else:
        title, ok = Message("dialog_title"), Message("dialog_ok")
        text = Message("dialog_immediate", name=name, instance=instance)
    if upgrade.skip_validate:
        text = Message("dialog_skip_validate", text=text)
        if upgrade.delay:
            title, ok = Message("dialog_title_window_skip_validate"), Message("dialog_ok_window_skip_validate")
        else:
            title, ok = Message("dialog_title_skip_validate"), Message("dialog_ok_skip_validate")
    return confirm_dialog(translator, title, text, ok, Message("dialog_deny"))
