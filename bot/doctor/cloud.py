"""Checks of the cloud: endpoints, clock, sign-in, permissions. Every request only reads."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from urllib.parse import quote
from uuid import UUID

from bot.connections import cloud_credentials
from bot.core.errors import CloudError, NotSent
from bot.core.messages import Language
from bot.doctor.causes import explain
from bot.doctor.report import Check, CheckStatus, Reporter, failed, passed, skipped, warned
from bot.network import Network
from bot.settings import CloudSettings, IamUserCredentials, KeyCredentials, Settings, TokenCredentials
from bot.taurusdb.http import Credentials, HttpClient, ProjectApi
from bot.taurusdb.responses import ApiResponse, as_text, error_from_response

# Shorter than the bot's own limits: the whole run has one of its own.
CONNECT_SECONDS = 5.0
RESPONSE_SECONDS = 7.0
SIGN_IN_SECONDS = 9.0
MAX_CLOCK_SKEW_SECONDS = 300.0
CLOCK_SKEW_WARNING_SECONDS = 60.0
MAX_TAURUSDB_INSTANCES = 5  # that are asked for a StarRocks instance
NO_JOB_ID = str(UUID(int=0))

UPGRADE_PERMISSION = "gaussdbformysql:instance:upgrade"
TASK_PERMISSION = "gaussdbformysql:task:list"
INSTANCE_PERMISSION = "gaussdbformysql:instance:list"
DETAIL_PERMISSION = "gaussdbformysql:htapInstance:get"
DATA_SYNC_PERMISSION = "gaussdbformysql:htapInstance:getReplication"
SETTING_REMEDIES = {
    "APIGW.0101": "check HW_REGION_NAME and TAURUSDB_ENDPOINT: this API is not there",
    "APIGW.0310": "check HW_PROJECT_ID: it is the id of the region's project (My Credentials > Projects)",
    "APIGW.0802": "check HW_REGION_NAME: the IAM user may not work in this region",
}
"""What to do about errors of the gateway that come from a setting, not from a missing permission."""
MAX_REFUSED_SIGN_INS = 2
TRY_AGAIN = "run the doctor again in a minute"


@dataclass(frozen=True, slots=True)
class ReadCall:
    """A GET that tries a permission; `name` is the last part of the check's name."""

    name: str
    permission: str
    path: str
    query: dict[str, str] = field(default_factory=dict)


IMMEDIATE_TASKS = ReadCall("immediate-jobs", TASK_PERMISSION, "immediate-jobs", {"offset": "0", "limit": "10"})
JOB = ReadCall("jobs", TASK_PERMISSION, "jobs", {"id": NO_JOB_ID})
SCHEDULED_TASKS = ReadCall("scheduled-jobs", TASK_PERMISSION, "scheduled-jobs", {"offset": "0", "limit": "10"})
TAURUSDB_INSTANCES = ReadCall("instances", INSTANCE_PERMISSION, "instances", {"offset": "0", "limit": "100"})


async def check_cloud(report: Reporter, settings: Settings, clock: Callable[[], float]) -> None:
    """Every check of every project; of several, each check is named after its project's region."""
    attempts = SignInAttempts()
    regions = [cloud.region for cloud in settings.clouds]

    def reporter(cloud: CloudSettings) -> Reporter:
        if not settings.has_several_projects:
            return report
        place = cloud.region if regions.count(cloud.region) == 1 else cloud.project

        def report_in_region(check: Check) -> None:
            remedy = re.sub(r"HW_(PROJECT_ID|REGION_NAME)", "HW_PROJECTS", check.remedy)
            report(Check(f"{check.name}.{place}", check.status, f"{place}: {check.detail}", remedy))

        return report_in_region

    checks = (check_project(reporter(cloud), settings, cloud, clock, attempts) for cloud in settings.clouds)
    await asyncio.gather(*checks)


@dataclass(slots=True)
class SignInAttempts:
    """One sign-in at a time, and none more after two projects were refused: wrong ones lock the user or the key."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refused: int = 0
    is_accepted: bool = False

    def may_try(self) -> bool:
        """Whether another attempt is harmless."""
        return self.is_accepted or self.refused < MAX_REFUSED_SIGN_INS

    def note(self, *, is_accepted: bool) -> bool:
        """Remember the outcome of an attempt, and return it."""
        self.is_accepted = self.is_accepted or is_accepted
        self.refused += not is_accepted
        return is_accepted


async def check_project(
    report: Reporter, settings: Settings, cloud: CloudSettings, clock: Callable[[], float], attempts: SignInAttempts
) -> None:
    """Every check of a project, from the endpoint to the permissions; what depends on a failed one is skipped."""
    credentials = cloud_credentials(cloud)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(HttpClient(settings.network, CONNECT_SECONDS))
        stack.push_async_callback(credentials.aclose)
        api = ProjectApi(http, cloud.endpoint, cloud.project_id, credentials, RESPONSE_SECONDS, clock)
        endpoints = EndpointChecks(report, http, settings.network, clock)
        checks = [endpoints.check("cloud.endpoint", cloud.endpoint, "HW_REGION_NAME or TAURUSDB_ENDPOINT")]
        if isinstance(cloud.credentials, IamUserCredentials):
            checks.append(endpoints.check("cloud.iam_endpoint", cloud.auth_url, "HW_REGION_NAME or HW_AUTH_URL"))
        if not all(await asyncio.gather(*checks)):
            report(skipped("cloud.sign_in", "the cloud was not reached"))
        else:
            permissions = PermissionChecks(report, api, _sign_in_remedy(cloud))
            async with attempts.lock:
                is_signed_in = False
                if attempts.may_try():
                    is_signed_in = await _check_sign_in(report, http, credentials, cloud)
                    is_signed_in = attempts.note(is_accepted=is_signed_in and await permissions.is_let_in())
                else:
                    report(skipped("cloud.sign_in", "refused in other projects; not tried, not to lock the user"))
            if is_signed_in:
                await permissions.run()
                return
        report(skipped("cloud.permissions", "there is no signing in"))


@dataclass(frozen=True, slots=True)
class EndpointChecks:
    """Whether anything answers at an address; the TaurusDB endpoint also says what time it is."""

    report: Reporter
    http: HttpClient
    network: Network
    clock: Callable[[], float]

    async def check(self, name: str, url: str, setting: str) -> bool:
        """Ask once, without credentials; whether there was an answer."""
        try:
            response = await self.http.send(self.http.build_request("GET", url), None, RESPONSE_SECONDS)
        except CloudError as error:
            problem, remedy = await explain(error, url, self.network, setting)
            self.report(failed(name, f"{url}: {problem} ({error.note})", remedy))
            return False
        self.report(passed(name, f"{url} answers"))
        if name == "cloud.endpoint":
            self.report(_clock_check(None if response.date is None else response.date - self.clock()))
        return True


def _clock_check(ahead: float | None) -> Check:
    """The cloud's Date header against this machine's clock; `ahead` in seconds, None when there was none."""
    if ahead is None:
        return warned("cloud.clock", "the cloud did not say what time it is", "compare this machine's clock by hand")
    detail = f"this machine's clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the cloud's"
    if abs(ahead) > MAX_CLOCK_SKEW_SECONDS:
        return failed("cloud.clock", detail, "set the clock (NTP): signatures and tokens depend on it")
    if abs(ahead) > CLOCK_SKEW_WARNING_SECONDS:
        return warned("cloud.clock", detail, "set the clock (NTP) before it gets worse")
    return passed("cloud.clock", detail)


async def _check_sign_in(report: Reporter, http: HttpClient, credentials: Credentials, cloud: CloudSettings) -> bool:
    """One attempt only: wrong passwords lock the user. A key or a token is tried by the first read."""
    try:
        async with asyncio.timeout(SIGN_IN_SECONDS):
            await credentials.auth(http)
    except (NotSent, TimeoutError) as error:
        reason = str(error) or f"no token within {SIGN_IN_SECONDS:g} s"
        report(failed("cloud.sign_in", f"IAM gives no token now: {reason}", "try again later; check HW_AUTH_URL"))
        return False
    except CloudError as error:
        report(failed("cloud.sign_in", f"IAM refused the sign-in: {error}", _sign_in_remedy(cloud)))
        return False
    if isinstance(cloud.credentials, IamUserCredentials):
        report(passed("cloud.sign_in", f"as the IAM user {cloud.credentials.user}"))
    return True


def _sign_in_remedy(cloud: CloudSettings) -> str:
    """What to check when the cloud does not let the bot in."""
    match cloud.credentials:
        case IamUserCredentials():
            return "check HW_DOMAIN_NAME, HW_USER_NAME, HW_USER_PASSWORD, HW_PROJECT_ID (IAM locks after wrong tries)"
        case KeyCredentials():
            return "check HW_ACCESS_KEY, HW_SECRET_KEY, HW_SECURITY_TOKEN and the clock (5 wrong tries lock the key)"
        case TokenCredentials():
            return "HW_AUTH_TOKEN has ended (it lives 24 hours) or is of another project: get a new one"


@dataclass(frozen=True, slots=True)
class PermissionChecks:
    """What the bot may do in the project, tried by calls that only read."""

    report: Reporter
    api: ProjectApi
    sign_in_remedy: str

    async def is_let_in(self) -> bool:
        """The first call shows whether we are signed in at all; only then the others are made."""
        response = await self._try_and_report(IMMEDIATE_TASKS)
        return response is None or response.status != 401

    async def run(self) -> None:
        """Every other permission."""
        await asyncio.gather(self._try_and_report(JOB), self._try_and_report(SCHEDULED_TASKS), self._try_instances())
        detail = f"{UPGRADE_PERMISSION} cannot be tried without upgrading something: see that the policy grants it"
        self.report(skipped("cloud.permission.db-upgrade", detail))

    async def _try_instances(self) -> None:
        """From the TaurusDB instances to one StarRocks instance and its details."""
        response = await self._try_and_report(TAURUSDB_INSTANCES)
        rows = response.objects("instances") if response is not None and response.status == 200 else []
        for row in rows[:MAX_TAURUSDB_INSTANCES]:
            path = f"instances/{quote(as_text(row.get('id')), safe='')}"
            response, check = await self._try(ReadCall("htap", DETAIL_PERMISSION, f"{path}/htap"))
            if response is None:
                continue
            ids = [as_text(instance.get("id")) for instance in response.objects("instances")]
            if not ids and response.status != 403:
                continue  # most TaurusDB instances have no StarRocks, and answer an error: that is no finding
            self.report(check)
            if ids:
                details = ReadCall("starrocks", DETAIL_PERMISSION, f"{path}/starrocks/{quote(ids[0], safe='')}")
                await self._try_and_report(details)
                await self._try_data_sync(ids[0])
            return
        detail = f"{DETAIL_PERMISSION}: no StarRocks instance was found to look at"
        self.report(skipped("cloud.permission.starrocks", detail))

    async def _try_data_sync(self, instance_id: str) -> None:
        """Without this permission the bot works, but cannot warn of data-sync tasks before an upgrade."""
        path = f"instances/{quote(instance_id, safe='')}/starrocks/databases/replication"
        page = {"offset": "0", "limit": "10"}
        _, check = await self._try(ReadCall("data-sync", DATA_SYNC_PERMISSION, path, page))
        self.report(replace(check, status=CheckStatus.WARN) if check.status is CheckStatus.FAIL else check)

    async def _try_and_report(self, call: ReadCall) -> ApiResponse | None:
        """Make a call and report its check; None when there was no response."""
        response, check = await self._try(call)
        self.report(check)
        return response

    async def _try(self, call: ReadCall) -> tuple[ApiResponse | None, Check]:
        """Make a call; its response, if there was one, and what that says about the permission."""
        try:
            response = await self.api.get(call.path, call.query, Language.EN)
        except CloudError as error:
            return None, warned(f"cloud.permission.{call.name}", f"{call.permission}: {error}", TRY_AGAIN)
        return response, self._permission_check(call, response)

    def _permission_check(self, call: ReadCall, response: ApiResponse) -> Check:
        """A service that answers about the resource itself has let us in, also with an error of its own."""
        name, error = f"cloud.permission.{call.name}", error_from_response(response)
        if response.status == 401:
            return failed("cloud.sign_in", f"the cloud refused: {error}", self.sign_in_remedy)
        if response.code in SETTING_REMEDIES:
            return failed(name, str(error), SETTING_REMEDIES[response.code])
        if response.status == 403:
            remedy = f"grant {call.permission} to the bot's IAM user in this project"
            return failed(name, f"{call.permission} is denied: {error}", remedy)
        if response.is_object or (response.status in (400, 404) and response.code.startswith("DBS.")):
            return passed(name, f"{call.permission} is granted")
        return warned(name, f"{call.permission}: {error}", TRY_AGAIN)
