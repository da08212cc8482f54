"""The settings of signing in to the cloud: an IAM user, AK/SK or a ready token, exactly one of them."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.reading import Reading
from bot.secret import Secret


@dataclass(frozen=True, slots=True)
class UserSignIn:
    """An IAM user, by password."""

    domain: str
    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class KeySignIn:
    """AK/SK; `security_token` only with temporary keys."""

    access_key: str
    secret_key: Secret
    security_token: Secret | None


@dataclass(frozen=True, slots=True)
class TokenSignIn:
    """A ready-made user token."""

    token: Secret


SignIn: TypeAlias = UserSignIn | KeySignIn | TokenSignIn


def read_sign_in(reading: Reading) -> SignIn:
    """Exactly one way of signing in."""
    ways: dict[str, tuple[str, ...]] = {
        "an IAM user": ("HW_DOMAIN_NAME", "HW_USER_NAME", "HW_USER_PASSWORD"),
        "AK/SK": ("HW_ACCESS_KEY", "HW_SECRET_KEY"),
        "a ready token": ("HW_AUTH_TOKEN",),
    }
    chosen = {way: names for way, names in ways.items() if any(reading.has(name) for name in names)}
    if not chosen:
        reading.wrong("HW_USER_NAME", "no way of signing in is set: an IAM user, AK/SK or HW_AUTH_TOKEN")
    elif len(chosen) > 1:
        named = ", ".join(next(name for name in names if reading.has(name)) for names in chosen.values())
        reading.wrong(named, f"set exactly one way of signing in, not {' and '.join(chosen)}")
    for names in chosen.values() if len(chosen) == 1 else ():
        for name in names:
            if not reading.has(name):
                reading.wrong(name, f"required together with {', '.join(one for one in names if one != name)}")
    if reading.has("HW_SECURITY_TOKEN") and "AK/SK" not in chosen:
        reading.wrong("HW_SECURITY_TOKEN", "belongs to AK/SK: set HW_ACCESS_KEY and HW_SECRET_KEY")
    if "AK/SK" in chosen:
        key, token = reading.secret("HW_SECRET_KEY", ""), reading.secret("HW_SECURITY_TOKEN", "")
        return KeySignIn(reading.text("HW_ACCESS_KEY", ""), key or Secret(""), token)
    if "a ready token" in chosen:
        return TokenSignIn(reading.secret("HW_AUTH_TOKEN", "") or Secret(""))
    password = reading.secret("HW_USER_PASSWORD", "") or Secret("")
    return UserSignIn(reading.text("HW_DOMAIN_NAME", ""), reading.text("HW_USER_NAME", ""), password)
