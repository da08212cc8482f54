"""Private answers with buttons: a doubt that can be overruled, the list of instances, a question to read only."""

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.core import pages
from bot.core.doubts import AskAnyway
from bot.core.pages import Doubted, InstancesPage, Page
from bot.core.sentence import Sentence
from bot.locales.catalog import Words
from bot.slack.markup import MRKDWN
from bot.slack.views.view import View, context, in_short, section, view


def page(said: Page, words: Words) -> View:
    """The answer as a message to one person."""
    if isinstance(said, Doubted):
        return _doubted(said, words)
    if isinstance(said, InstancesPage):
        return _instances(said, words)
    raise ValueError(said)


def without_buttons(shown: View) -> View:
    """The same message to read only."""
    return View(shown.text, [block for block in shown.blocks if block["type"] != "actions"])


def _doubted(said: Doubted, words: Words) -> View:
    told = words.say(said.doubt, MRKDWN)
    anyway = _button(words, AskAnyway(), "ask_anyway", said.command.text)
    return view(told, section(f":warning: {told}"), ActionsBlock(elements=[anyway]))


def _instances(said: InstancesPage, words: Words) -> View:
    head = words.say(said.head, MRKDWN)
    told = [words.say(row.told, MRKDWN) for row in said.rows]
    tail = [words.say(one, MRKDWN) for one in said.tail]
    blocks: list[Block] = [section(head)]
    for row, text in zip(said.rows, told, strict=True):
        blocks.append(section(text))
        blocks.append(ActionsBlock(elements=_asks(row.instance_id, words)))
    blocks += [context(*tail)] if tail else []
    if said.next_page:
        blocks.append(ActionsBlock(elements=[_button(words, pages.NextPageButton(), "list_page", said.next_page)]))
    return view(in_short([head, *told, *tail]), *blocks)


def _asks(instance_id: str, words: Words) -> list[ButtonElement]:
    """At once, and in the window: what each says when it is pressed is a command."""
    return [
        _button(words, pages.UpgradeNowButton(), "ask_now", instance_id),
        _button(words, pages.UpgradeInWindowButton(), "ask_in_window", f"{instance_id} --delay"),
    ]


def _button(words: Words, label: Sentence, action_id: str, value: str) -> ButtonElement:
    return ButtonElement(text=words.say(label), action_id=action_id, value=value)
