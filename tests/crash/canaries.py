"""Every secret of a bench by its name, and everything that its processes left behind to look for them in."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.sandbox.slack import Delivery
from tests.crash.bench import Bench
from tests.crash.process import BotProcess

_PORT = re.compile(r"""port["=: ]+(\d+)""")


@dataclass(slots=True)
class Canaries:
    """Listens to what the stand-ins hand out: tokens of IAM, tickets of sockets, response_urls."""

    bench: Bench
    handed_out: dict[str, str] = field(default_factory=dict)

    def listen(self) -> None:
        """From now on; before the first process is started."""
        slack, iam = self.bench.slack, self.bench.cloud.iam
        issue, command, click = iam.issue, slack.command, slack.click

        def recorded_issue() -> str:
            token = issue()
            self.handed_out[f"user token {len(self.handed_out)}"] = token
            return token

        async def recorded_command(*arguments: Any, **more: Any) -> Delivery:
            return self._note(await command(*arguments, **more))

        async def recorded_click(*arguments: Any, **more: Any) -> Delivery:
            return self._note(await click(*arguments, **more))

        self.bench.cloud.iam.issue = recorded_issue  # type: ignore[method-assign]  # it is listened to, not replaced
        slack.command, slack.click = recorded_command, recorded_click

    async def launch(self) -> BotProcess:
        """Start a process, whichever form its log has, and wait until Slack reaches it."""
        bench = self.bench
        process = await bench.spawn()
        await bench.until(lambda: any("bot.ready" in line for line in process.err) or not process.is_alive, 30)
        assert process.is_alive, bench.account()
        if bench.mode == "http":
            (port,) = [found[1] for line in process.err if "web.listening" in line and (found := _PORT.search(line))]
            bench.slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
        else:
            await bench.slack.connected()
        return process

    def secrets(self) -> dict[str, str]:
        """Each by what it is."""
        slack, iam = self.bench.slack, self.bench.cloud.iam
        tickets = {
            f"ticket {number}": parse_qs(urlsplit(call.answer["url"]).query)["ticket"][0]
            for number, call in enumerate(slack.calls)
            if call.method == "apps.connections.open" and call.answer and call.answer.get("url")
        }
        return {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "HW_USER_PASSWORD": iam.password,
            "HW_SECRET_KEY": iam.secret_key,
            "HW_SECURITY_TOKEN": iam.security_token,
            "HW_AUTH_TOKEN": self.bench.cloud.ready_token,
            **tickets,
            **self.handed_out,
        }

    def left_behind(self) -> dict[str, str]:
        """Everything that was written, by where."""
        bench = self.bench
        written = {
            f"process {number}": "\n".join(process.lines) for number, process in enumerate(bench.processes, start=1)
        }
        for file in bench.folder.iterdir():
            written[file.name] = file.read_bytes().decode(errors="replace")
        for name in bench.slack.channels:
            messages = bench.slack.messages(name)
            threads = [reply for message in messages for reply in bench.slack.thread(name, message.ts)]
            written[f"#{name}"] = repr([messages, threads])
        for name in bench.slack.people:
            written[f"for {name} alone"] = repr(bench.slack.ephemerals(name))
        written["arguments of calls"] = repr([call.arguments for call in bench.slack.calls])
        return written

    def found(self) -> list[str]:
        """Which secret was found where."""
        written = self.left_behind()
        return [
            f"{name} in {where}"
            for name, secret in self.secrets().items()
            for where in written
            if secret in written[where]
        ]

    def _note(self, delivery: Delivery) -> Delivery:
        address = str(delivery.payload["response_url"])
        self.handed_out[f"response_url {len(self.handed_out)}"] = address.rpartition("/")[2]
        return delivery
