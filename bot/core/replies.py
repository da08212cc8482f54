"""Private replies with buttons or lists: a preflight warning, the instance list, `history` and `status`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.core.instances import (
    Instance,
    InstanceList,
    PreflightWarning,
    actions_listing,
    display_name,
    instance_label,
    project_choices,
    project_message,
    status_term,
    upgradable_first,
    version_message,
)
from bot.core.messages import Code, Link, Message, Person, Time
from bot.core.upgrade import PENDING, RUNNING, UNAUTHORIZED, UNPROVEN_ENDS, EarlierRequest, State, Upgrade

PAGE_SIZE = 10


@dataclass(frozen=True, slots=True)
class PreflightReply:
    """A warning, and the text of the command that requests the upgrade all the same.

    `projects`: where it can be requested when nobody knows where the instance is; empty when that is known.
    """

    warning: PreflightWarning
    command: str
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance of the list; buttons make sense only when it can be upgraded."""

    label: Message
    details: tuple[Message, ...]
    name: str
    instance_id: str
    is_upgradable: bool
    project: Message | None = None  # of several: the heading above the first of its rows


@dataclass(frozen=True, slots=True)
class InstanceListReply:
    """One page of instances; `next_page` counts from 0, None when this is the last one."""

    header: Message
    rows: tuple[InstanceRow, ...]
    footer: Message | None
    next_page: int | None


@dataclass(frozen=True, slots=True)
class TranslatedCard:
    """A request card in the language that it was not posted in; `replaces_copy`: instead of the copy clicked on."""

    upgrade: Upgrade
    replaces_copy: bool = False


Reply: TypeAlias = Message | PreflightReply | InstanceListReply | TranslatedCard


def unresolved_before(instance_id: str, earlier: EarlierRequest) -> PreflightWarning:
    """An earlier upgrade of the instance may have started, or may still be running."""
    return PreflightWarning("unresolved_before", instance=Code(instance_id), earlier=earlier_request(earlier))


def earlier_request(earlier: EarlierRequest) -> Message:
    """An earlier request whose outcome is unknown, in one line."""
    return Message(
        "earlier_request",
        requester=Person(earlier.requested_by),
        at=Time(earlier.confirmed_at),
        link=Link(earlier.permalink),
    )


def instances_on_page(instances: InstanceList, page: int) -> tuple[int, list[Instance]]:
    """The index of a page's first instance, and its instances; the last page when there are not so many."""
    ordered = upgradable_first(instances.instances)
    first = min(max(page, 0) * PAGE_SIZE, max(len(ordered) - 1, 0) // PAGE_SIZE * PAGE_SIZE)
    return first, ordered[first : first + PAGE_SIZE]


def instance_list_reply(
    instances: InstanceList, page: int, usage: str, refreshed: Mapping[str, Instance]
) -> InstanceListReply:
    """One page of the list; `refreshed` has those of its instances that were read again since, by id."""
    first, on_page = instances_on_page(instances, page)
    last, total = first + len(on_page), len(instances.instances)
    rows = tuple(_listed(refreshed.get(instance.id, instance)) for instance in on_page)
    has_buttons = any(row.is_upgradable for row in rows)
    typed = Code(usage)
    how = Message("list_with_buttons", usage=typed) if has_buttons else Message("list_without_buttons", usage=typed)
    is_whole = instances.is_complete and instances.is_settled
    return InstanceListReply(
        header=_list_header(first + 1, last, total, how, is_complete=instances.is_complete),
        rows=rows,
        footer=None if is_whole else _incomplete(instances),
        next_page=first // PAGE_SIZE + 1 if last < total else None,
    )


def _list_header(first: int, last: int, total: int, how: Message, *, is_complete: bool) -> Message:
    if not is_complete:
        return Message("instance_list_so_far", first=first, last=last, total=total, how=how)
    if total == 1:
        return Message("instance_list_one", how=how)
    return Message("instance_list", first=first, last=last, total=total, how=how)


def _incomplete(instances: InstanceList) -> Message:
    if not instances.unread_projects:
        return Message("instance_list_refreshing") if instances.is_complete else Message("instance_list_incomplete")
    return Message("instance_list_unread", projects=project_choices(instances.unread_projects))


def _listed(instance: Instance) -> InstanceRow:
    details = (
        version_message(instance),
        None if instance.is_normal else Message("instance_status", status=status_term(instance)),
        Message("actions_running", actions=actions_listing(instance)) if instance.is_busy else None,
    )
    return InstanceRow(
        label=instance_label(replace(instance, project="")),  # it stands under its project
        details=tuple(message for message in details if message is not None) or (Message("version_unknown"),),
        name=display_name(instance.id, instance.to_json()),
        instance_id=instance.id,
        is_upgradable=instance.is_normal and not instance.is_busy and instance.upgrade_available is not False,
        project=project_message(instance.project) if instance.project else None,
    )


STATE_MESSAGES: Mapping[State, Message] = {
    State.REQUESTED: Message("state_requested"),
    State.SUBMITTING: Message("state_submitting"),
    State.UNKNOWN: Message("state_unknown"),
    State.COMPLETED: Message("state_completed"),
    State.FAILED: Message("state_failed"),
    State.CANCELED: Message("state_canceled"),
    State.WITHDRAWN: Message("state_withdrawn"),
    State.SUPERSEDED: Message("state_superseded"),
    State.EXPIRED: Message("state_expired"),
    State.REJECTED: Message("state_rejected"),
    State.NOT_SENT: Message("state_not_sent"),
    State.UNRESOLVED: Message("state_unresolved"),
}


def upgrade_lines(upgrades: Sequence[Upgrade], permalinks: Sequence[str]) -> tuple[Message, ...]:
    """One line for each upgrade, for `history` and `status`; `permalinks` lead to their cards, in the same order."""
    return tuple(
        Message(
            "upgrade_line",
            at=Time(upgrade.requested_at),
            instance=_label_of(upgrade),
            requester=Person(upgrade.requested_by),
            state=_state_message(upgrade),
            link=Link(permalink),
        )
        for upgrade, permalink in zip(upgrades, permalinks, strict=True)
    )


def _state_message(upgrade: Upgrade) -> Message:
    if upgrade.end_check in UNPROVEN_ENDS:
        return Message("state_completed_check")
    return _in_progress(upgrade) if upgrade.state is State.IN_PROGRESS else STATE_MESSAGES[upgrade.state]


def _in_progress(upgrade: Upgrade) -> Message:
    """How far it is, or what it waits for."""
    if upgrade.job_status == UNAUTHORIZED:
        return Message("state_awaits_authorization")
    if upgrade.awaits_window:
        starts_at = upgrade.starts_at
        return Message("state_awaits_window") if starts_at is None else Message("state_starts", at=Time(starts_at))
    if upgrade.progress_percent is not None:
        return Message("state_running_percent", percent=min(max(upgrade.progress_percent, 0), 100))
    if upgrade.job_status == RUNNING:
        return Message("state_running")
    return Message("state_not_started") if upgrade.job_status == PENDING else Message("state_accepted")


def request_open(upgrade: Upgrade, permalink: str) -> PreflightWarning:
    """Another request for the instance waits for its confirmation."""
    requester = Person(upgrade.requested_by)
    return PreflightWarning("request_open", instance=_label_of(upgrade), link=Link(permalink), requester=requester)


def _label_of(upgrade: Upgrade) -> Message:
    """The instance as it was named when it was requested."""
    return instance_label(replace(upgrade.instance or Instance(upgrade.instance_id), project=upgrade.project))
