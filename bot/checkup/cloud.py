"""The cloud: its addresses answer, the clocks agree, there is signing in."""

import asyncio
from collections.abc import Callable

from bot.checkup.check import Note, failed, passed, skipped, warned
from bot.checkup.permissions import check_permissions
from bot.connections import sign_in_of
from bot.core.reasons import Fault, NotSent
from bot.settings import CloudSettings
from bot.sign_in import KeySignIn, TokenSignIn, UserSignIn
from bot.taurusdb.probing import Hurdle, NotReached, Probe

MOST_SKEW_SECONDS = 300.0
WORTH_A_WORD_SECONDS = 60.0


async def check_cloud(note: Note, cloud: CloudSettings, clock: Callable[[], float]) -> None:
    """From the address to the permissions; what stands on something that failed is not asked at all."""
    async with Probe(cloud.endpoint, cloud.project_id, sign_in_of(cloud), clock) as probe:
        addresses = [_check_address(note, probe, "cloud.endpoint", cloud.endpoint, "TAURUSDB_ENDPOINT")]
        if isinstance(cloud.sign_in, UserSignIn):
            addresses.append(_check_address(note, probe, "cloud.iam", cloud.auth_url, "HW_AUTH_URL"))
        if not all(await asyncio.gather(*addresses)):
            note(skipped("cloud.sign_in", "the cloud was not reached"))
        elif await _check_sign_in(note, probe, cloud):
            await check_permissions(note, probe, sign_in_remedy(cloud))
            return
        note(skipped("cloud.permissions", "there is no signing in"))


async def _check_address(note: Note, probe: Probe, name: str, address: str, setting: str) -> bool:
    """Whether anything answers there, and what time it is there."""
    try:
        ahead = await probe.reach(address)
    except NotReached as lost:
        remedy = {
            Hurdle.NAME: f"check HW_REGION_NAME or {setting}, and this machine's DNS",
            Hurdle.TLS: "set SSL_CERT_FILE to the certificate of the proxy in between, or mend the address",
            Hurdle.CONNECTION: f"let outgoing connections through (firewall, HTTPS_PROXY), or mend {setting}",
        }[lost.hurdle]
        note(failed(name, f"{address}: {lost.hurdle.value} ({lost.why})", remedy))
        return False
    note(passed(name, f"{address} answers"))
    if name == "cloud.endpoint":
        _check_clock(note, ahead)
    return True


def _check_clock(note: Note, ahead: float | None) -> None:
    """The cloud's Date header against this machine's clock."""
    if ahead is None:
        note(warned("cloud.clock", "the cloud did not say what time it is", "compare this machine's clock by hand"))
        return
    seen = f"this machine's clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the cloud's"
    if abs(ahead) > MOST_SKEW_SECONDS:
        note(failed("cloud.clock", seen, "set the clock (NTP): signatures and tokens depend on it"))
    elif abs(ahead) > WORTH_A_WORD_SECONDS:
        note(warned("cloud.clock", seen, "set the clock (NTP) before it gets worse"))
    else:
        note(passed("cloud.clock", seen))


async def _check_sign_in(note: Note, probe: Probe, cloud: CloudSettings) -> bool:
    """One try and no other: wrong passwords lock the user. A key or a token shows with the first question."""
    try:
        await probe.sign_in()
    except NotSent as fault:
        note(failed("cloud.sign_in", f"IAM gives no token now: {fault}", "try again later; check HW_AUTH_URL"))
        return False
    except Fault as fault:
        note(failed("cloud.sign_in", f"IAM refuses: {fault}", sign_in_remedy(cloud)))
        return False
    if isinstance(cloud.sign_in, UserSignIn):
        note(passed("cloud.sign_in", f"as the IAM user {cloud.sign_in.user}"))
    return True


def sign_in_remedy(cloud: CloudSettings) -> str:
    """What to look at when the cloud does not let the bot in."""
    match cloud.sign_in:
        case UserSignIn():
            return "check HW_DOMAIN_NAME, HW_USER_NAME, HW_USER_PASSWORD, HW_PROJECT_ID (IAM locks after wrong tries)"
        case KeySignIn():
            return "check HW_ACCESS_KEY, HW_SECRET_KEY, HW_SECURITY_TOKEN and the clock (5 wrong tries lock the key)"
        case TokenSignIn():
            return "HW_AUTH_TOKEN has ended (it lives 24 hours) or is of another project: get a new one"
