"""Every secret of a driver by its name, and everything that its processes left behind to look for them in."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver

_PORT = re.compile(r"""port["=: ]+(\d+)""")


@dataclass(slots=True)
class Canaries:
    """Listens to what the stand-ins hand out: tokens of IAM, tickets of sockets, response_urls."""

    driver: ProcessDriver
    user_tokens: dict[str, str] = field(default_factory=dict)

    def listen(self) -> None:
        """From now on; before the first process is started."""
        iam = self.driver.cloud
        issue = iam.issue_token

        def recorded_issue() -> str:
            token = issue()
            self.user_tokens[f"user token {len(self.user_tokens)}"] = token
            return token

        iam.issue_token = recorded_issue  # type: ignore[method-assign]  # it is listened to, not replaced

    @property
    def handed_out(self) -> dict[str, str]:
        """User tokens, and the secret part of each response_url."""
        urls = [str(delivery.payload["response_url"]) for delivery in self.driver.slack.deliveries]
        return self.user_tokens | {f"response_url {n}": url.rpartition("/")[2] for n, url in enumerate(urls)}

    async def launch(self) -> BotProcess:
        """Start a process, whichever form its log has, and wait until Slack reaches it."""
        driver = self.driver
        process = await driver.spawn()
        await driver.until(lambda: any("bot.ready" in line for line in process.err) or not process.is_alive, 30)
        assert process.is_alive, driver.account()
        if driver.mode == "http":
            (port,) = [found[1] for line in process.err if "http.listening" in line and (found := _PORT.search(line))]
            driver.slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
        else:
            await driver.slack.connected()
        return process

    def secrets(self) -> dict[str, str]:
        """Each by what it is."""
        slack, iam = self.driver.slack, self.driver.cloud
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
            "HW_AUTH_TOKEN": self.driver.cloud.ready_token,
            **tickets,
            **self.handed_out,
        }

    def left_behind(self) -> dict[str, str]:
        """Everything that was written, by where."""
        driver = self.driver
        written = {
            f"process {number}": "\n".join(process.lines) for number, process in enumerate(driver.processes, start=1)
        }
        for file in driver.folder.iterdir():
            written[file.name] = file.read_bytes().decode(errors="replace")
        for name in driver.slack.channels:
            messages = driver.slack.messages(name)
            threads = [reply for message in messages for reply in driver.slack.thread(name, message.ts)]
            written[f"#{name}"] = repr([messages, threads])
        for name in driver.slack.people:
            written[f"for {name} driver"] = repr(driver.slack.ephemerals(name))
        written["arguments of calls"] = repr([call.arguments for call in driver.slack.calls])
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
