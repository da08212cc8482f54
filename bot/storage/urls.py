"""DATABASE_URL: what it names, or one line that says what is wrong with it and repeats nothing of a password."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

URL_FORMS = "sqlite:///file.db, sqlite:////folder/file.db or postgresql://user:password@host/database"
CONNECT_SECONDS = 5.0
DEFAULT_PORT = 5432
APPLICATION_NAME = "starrocks-upgrade-bot"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby")
# What follows is libpq's, see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_FOR_THE_DRIVER = (
    "passfile", "service", "sslcert", "sslkey", "sslpassword", "sslcrl", "ssl_min_protocol_version",
    "ssl_max_protocol_version", "krbsrvname", "gsslib",
)  # fmt: skip
_SERVER_SETTINGS = ("application_name", "options")
# Ignored on purpose: the bot has its own timeouts for a peer that is silent, the driver does not compress, and its
# other ways are the same as libpq's defaults.
_IGNORED = (
    "fallback_application_name", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
    "tcp_user_timeout", "sslcompression", "sslsni", "sslcertmode", "gssencmode", "gssdelegation", "load_balance_hosts",
)  # fmt: skip
_OWN = (
    "host", "port", "user", "password", "dbname", "sslmode", "ssl", "sslrootcert", "sslnegotiation", "connect_timeout",
    "target_session_attrs", "channel_binding", "client_encoding",
)  # fmt: skip
_PARAMETERS = frozenset((*_FOR_THE_DRIVER, *_SERVER_SETTINGS, *_IGNORED, *_OWN))
_QUOTING = "in the user name and the password @ : / ? # [ ] % are written as %40 %3A %2F %3F %23 %5B %5D %25"


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """Where a PostgreSQL database is and how to connect. No `hosts`: the driver's default, PGHOST or a socket.

    `hosts` are names, addresses or folders of sockets, each with its port. `driver_url` carries the parameters that the
    driver takes in a URL alone; no password is in it. `uses_system_cas`: the server's certificate is checked against
    the machine's own authorities (`sslrootcert=system`).
    """

    hosts: tuple[tuple[str, int], ...]
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    driver_url: str
    server_settings: Mapping[str, str]
    connect_seconds: float = CONNECT_SECONDS
    session_attribute: str = "any"
    uses_system_cas: bool = False
    uses_direct_tls: bool = False

    @classmethod
    def parse(cls, url: str) -> "PostgresUrl":
        """Read a URL as libpq does; raises ValueError with one line that repeats no value."""
        authority, database, query = _split(url)
        user_part, at, host_part = authority.rpartition("@")
        user, colon, password = user_part.partition(":")
        parameters = _parameters(query)
        hosts, ports = _hosts(host_part if at else authority)
        if "host" in parameters:
            hosts, ports = _host_list(parameters["host"])
        if "port" in parameters:
            ports = parameters["port"].split(",")
            ports = ports * len(hosts) if len(ports) == 1 else ports
        if hosts and len(ports) != len(hosts):
            raise ValueError(f"there are {len(hosts)} hosts and {len(ports)} ports")
        if ports and not hosts:
            hosts = ["localhost"] * len(ports)
        targets = tuple((host, _port(port)) for host, port in zip(hosts, ports, strict=True))
        is_remote = not hosts or any(not host.startswith("/") for host in hosts)
        ssl_mode, root_certificates = _tls(parameters, is_remote=is_remote)
        for_the_driver = {name: parameters[name] for name in _FOR_THE_DRIVER if parameters.get(name)}
        if ssl_mode and root_certificates != "system":
            for_the_driver["sslmode"] = ssl_mode
            for_the_driver |= {"sslrootcert": root_certificates} if root_certificates else {}
        settings = {name: parameters[name] for name in _SERVER_SETTINGS if parameters.get(name)}
        return cls(
            hosts=targets,
            user=parameters.get("user") or unquote(user) or None,
            password=parameters.get("password") or (unquote(password) if colon else None),
            database=parameters.get("dbname") or unquote(database) or None,
            driver_url=f"postgresql://?{urlencode(for_the_driver, quote_via=quote)}",
            server_settings={"application_name": APPLICATION_NAME, **settings},
            connect_seconds=_connect_seconds(parameters.get("connect_timeout", "")),
            session_attribute=_session_attribute(parameters, len(targets)),
            uses_system_cas=root_certificates == "system",
            uses_direct_tls=parameters.get("sslnegotiation") == "direct",
        )

    def driver_arguments(self) -> dict[str, Any]:
        """Arguments of `asyncpg.connect` for any host; the caller adds the host."""
        arguments: dict[str, Any] = {
            "dsn": self.driver_url,
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "timeout": self.connect_seconds,
            "target_session_attrs": self.session_attribute,
        }
        if self.uses_system_cas:
            arguments["ssl"] = True
        if self.uses_direct_tls:
            arguments["direct_tls"] = True
        return arguments


def database_scheme(url: str) -> str:
    """`sqlite` or `postgresql`; raises ValueError."""
    scheme = url.partition("://")[0]
    if scheme not in ("sqlite", "postgresql", "postgres") or "://" not in url:
        raise ValueError(f"a database URL is {URL_FORMS}")
    return "sqlite" if scheme == "sqlite" else "postgresql"


def sqlite_path(url: str) -> Path:
    """The file that a SQLite URL names; raises ValueError."""
    host, slash, path = url.partition("://")[2].partition("/")
    if host or not slash or not path or path.endswith("/"):
        raise ValueError(f"a SQLite URL names a file, with three slashes or four: {URL_FORMS}")
    if path == ":memory:":
        raise ValueError("a database in memory would forget at every restart what has been sent: name a file")
    return Path(path)


def database_address(url: str) -> str:
    """What may be logged of a URL that has been checked: the file, or the hosts."""
    if database_scheme(url) == "sqlite":
        return url
    hosts = PostgresUrl.parse(url).hosts
    return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in hosts) or "local"


def check_url(url: str) -> None:
    """Raise ValueError, with one line that repeats no password, for a URL that names no database."""
    if database_scheme(url) == "sqlite":
        sqlite_path(url)
    else:
        PostgresUrl.parse(url)


def _split(url: str) -> tuple[str, str, str]:
    """Authority, database and query of a URL; raises ValueError where an unquoted character makes it ambiguous."""
    rest = url.partition("://")[2]
    if not rest.isprintable() or " " in rest:
        raise ValueError("it has a blank or a control character; a blank is written as %20")
    if "#" in rest:
        raise ValueError(f"it has a # that is not quoted; {_QUOTING}")
    if re.search(r"%(?![0-9a-fA-F]{2})", rest):
        raise ValueError(f"it has a % that quotes nothing; {_QUOTING}")
    try:
        has_zero = "\0" in unquote(rest, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("what it quotes with % is not UTF-8") from None
    if has_zero:
        raise ValueError("it has a %00, which nothing in PostgreSQL can hold")
    end = re.search(r"[/?]", rest)
    authority = rest[: end.start()] if end else rest
    path, _, query = rest[len(authority) :].partition("?")
    if authority.count("@") > 1 or "@" in path:
        raise ValueError(f"it has an @ or a / that is not quoted; {_QUOTING}")
    user_part = authority.rpartition("@")[0]
    if re.search(r"[\[\]]", user_part):
        raise ValueError(f"the user name or the password has a bracket that is not quoted; {_QUOTING}")
    return authority, path.removeprefix("/"), query


def _parameters(query: str) -> dict[str, str]:
    """The query's parameters; the last of a name counts, and a + is a plus, both as in libpq."""
    parameters: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name = unquote(name)
        if name == "database":
            name = "dbname"
        is_name = re.fullmatch(r"[a-zA-Z_]\w{0,40}", name, re.ASCII)
        if not equals or not is_name or (name not in _PARAMETERS and "@" in query):  # perhaps the end of a password
            raise ValueError(f"after a ? stand parameters as name=value, joined by &; {_QUOTING}")
        if name not in _PARAMETERS:
            hint = "; a setting of the server is written as options=-c%20name%3Dvalue"
            raise ValueError(f"the parameter {name} is not known here{hint}")
        parameters[name] = unquote(value)
    if parameters.get("channel_binding", "prefer") not in ("disable", "prefer"):
        raise ValueError("channel_binding=require cannot be kept by the driver: use sslmode=verify-full instead")
    if parameters.get("client_encoding", "auto").lower().replace("-", "") not in ("auto", "utf8", "unicode"):
        raise ValueError("client_encoding can only be UTF8")
    return parameters


def _hosts(host_part: str) -> tuple[list[str], list[str]]:
    """Hosts and ports of the authority, still quoted there."""
    hosts, ports = [], []
    for spec in host_part.split(",") if host_part else ():
        if spec.startswith("["):
            match = re.fullmatch(r"\[([0-9a-fA-F:.]+(?:%25[\w.-]+)?)\](?::([^:]*))?", spec)
            if match is None:
                raise ValueError("an IPv6 address is written as [::1] or [::1]:5432")
            host, port = match[1], match[2] or ""
        else:
            host, _, port = spec.partition(":")
            if ":" in port:
                raise ValueError(f"a host has more than one colon: an IPv6 address stands in [ ]; {_QUOTING}")
        hosts.append(unquote(host) or "localhost")
        ports.append(unquote(port))
    return hosts, ports


def _host_list(text: str) -> tuple[list[str], list[str]]:
    """The parameter `host`, whose names have no ports."""
    hosts = [host.strip("[]") for host in text.split(",")]
    if not all(hosts):
        raise ValueError("the parameter host has an empty name")
    return hosts, [""] * len(hosts)


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or not 1 <= int(text) <= 65535:
        raise ValueError(f"a port is not a number from 1 to 65535; {_QUOTING}")
    return int(text)


def _tls(parameters: Mapping[str, str], *, is_remote: bool) -> tuple[str, str]:
    """`sslmode` and `sslrootcert`, "" where the driver's default (PGSSLMODE, else `prefer`) counts."""
    mode = parameters.get("sslmode", "")
    if not mode and parameters.get("ssl", "").lower() in ("true", "1", "on"):
        mode = "require"
    if mode and mode not in SSL_MODES:
        raise ValueError(f"sslmode is one of {', '.join(SSL_MODES)}")
    if parameters.get("sslnegotiation", "postgres") not in ("postgres", "direct"):
        raise ValueError("sslnegotiation is postgres or direct")
    roots = parameters.get("sslrootcert", "")
    if not is_remote:
        return "disable", ""
    if roots == "system" and mode not in ("", "verify-full"):
        raise ValueError("sslrootcert=system goes with sslmode=verify-full alone")
    if roots == "system":
        return "verify-full", roots
    if mode != "disable":
        _check_certificates(parameters)
    return mode, roots


def _check_certificates(parameters: Mapping[str, str]) -> None:
    """Raise ValueError for files that can never be used: the driver would take them for a fault of the connection."""
    for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl"):
        path = parameters.get(name, "")
        if path and not _is_readable(Path(path)):
            raise ValueError(f"{name} names no file that can be read: {path}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("sslrootcert", "sslcrl"):
        if path := parameters.get(name, ""):
            try:
                context.load_verify_locations(cafile=path)
            except (ssl.SSLError, OSError):
                raise ValueError(f"{name} names a file that holds no certificate (PEM): {path}") from None
    if (certificate := parameters.get("sslcert", "")) and (key := parameters.get("sslkey", "")):
        try:
            context.load_cert_chain(certificate, key, lambda: parameters.get("sslpassword", ""))
        except (ssl.SSLError, OSError):
            raise ValueError("sslcert and sslkey name no certificate and key (PEM) that belong together") from None


def _is_readable(path: Path) -> bool:
    try:
        if not path.is_file():  # to open a pipe would wait for its writer
            return False
        with path.open("rb"):
            return True
    except OSError:
        return False


def _connect_seconds(text: str) -> float:
    """As in libpq: whole seconds, 0 is the default here, less than 2 counts as 2."""
    if not text:
        return CONNECT_SECONDS
    if not re.fullmatch(r"-?\d{1,4}", text, re.ASCII):
        raise ValueError("connect_timeout is a whole number of seconds")
    return max(2.0, float(text)) if int(text) > 0 else CONNECT_SECONDS


def _session_attribute(parameters: Mapping[str, str], hosts: int) -> str:
    """Of several hosts the one that can be written is meant, unless something else is said."""
    attribute = parameters.get("target_session_attrs", "")
    if attribute == "prefer-standby":
        return "any"
    if attribute and attribute not in SESSION_ATTRIBUTES:
        raise ValueError(f"target_session_attrs is one of {', '.join(SESSION_ATTRIBUTES)}")
    return attribute or ("read-write" if hosts > 1 else "any")
