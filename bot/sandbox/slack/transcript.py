"""A readable account of what was said and called, for a test that waited in vain."""

from __future__ import annotations

from collections.abc import Sequence

from bot.sandbox.slack.gate import Call
from bot.sandbox.slack.messages import Message, Record, buttons, said
from bot.sandbox.slack.workspace import Workspace

LAST_CALLS = 20


def transcript(workspace: Workspace, record: Record, calls: Sequence[Call]) -> str:
    """Tell what each channel shows, what each person was told privately, and the last calls."""
    lines: list[str] = []
    for channel in workspace.channels.values():
        spoken = record.everything(channel.id)
        if spoken:
            lines.append(f"#{channel.name}")
            lines += [_line(message) for message in spoken]
    for person in workspace.people.values():
        for whispered in record.ephemerals(person.id):
            lines.append(f"only {person.name} sees: {_flat(said(whispered))}")
    lines.append(f"the last of {len(calls)} calls:")
    for call in calls[-LAST_CALLS:]:
        lines.append(f"  {call.method} -> {call.status} {_flat(str(call.answer))[:200]}")
    return "\n".join(lines)


def _line(message: Message) -> str:
    mark = "    ⤷" if message.thread_ts else "  "
    edits = f" (edited {len(message.history)} times)" if message.history else ""
    shown = f" [{', '.join(buttons(message))}]" if buttons(message) else ""
    return f"{mark} {message.ts}{edits}: {_flat(said(message))}{shown}"


def _flat(text: str) -> str:
    return " / ".join(text.splitlines())
