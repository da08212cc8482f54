"""What commands are typed with in many tests, how they are parsed, and what is offered to copy instead."""

from functools import partial

from bot.core.command import parse_command
from bot.core.messages import Code

ID = "590031445ef845bb912d7fc8243db80cin17"
ANOTHER = "0123456789abcdef0123456789abcdefin17"
NAME = "/starrocks-upgrade"
BLANK = "<instance_id>"

parse = partial(parse_command, command_name=NAME)


def copy(flags: str = "", instance: str = ID) -> Code:
    """The command offered to copy."""
    return Code(" ".join(filter(None, [NAME, instance, flags])))
