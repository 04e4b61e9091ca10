"""PostgreSQL's URLs, as people have them."""

import os
from getpass import getuser
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit

from graph.database.base import DatabaseError

OPTIONS = {
    *("application_name", "database", "dbname", "gsslib", "host", "krbsrvname", "options"),
    *("passfile", "password", "port", "service", "ssl_max_protocol_version"),
    *("ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey", "sslmode", "sslnegotiation"),
    *("sslpassword", "sslrootcert", "target_session_attrs", "user"),
}
"""The URL's options, which asyncpg gives the meaning that they have in libpq
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""

TARGETS = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
"""Values of `target_session_attrs`."""


class Source(NamedTuple):
    """A database: its name, as an operator may see it, and where it is looked for.

    `rounds` has, in each round, a URL for each host, by what the host is called in messages.
    """

    name: str
    rounds: tuple[dict[str, str], ...]


def data_source(url: str) -> Source:
    """Split a URL as people have it into one for each host, as asyncpg takes it.

    Raises:
        DatabaseError: it is no URL of PostgreSQL, or has options that are not known.
    """
    _, _, rest = url.partition("://")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        parts = None
    if parts is None or parts.netloc.count("@") > 1 or "@" in parts.path or parts.fragment:
        raise DatabaseError(
            "GRAPH_DATABASE_URL is not a database URL. "
            "Special characters in the password must be percent-encoded, as in p%40ss for p@ss"
        )
    unknown = options.keys() - OPTIONS
    if unknown:
        raise DatabaseError(f"GRAPH_DATABASE_URL has unknown options: {', '.join(sorted(unknown))}")
    last = {name: values[-1] for name, values in options.items()}
    if not (parts.username or last.keys() & {"user", "service"}):
        _check_user()
    shown = parts.netloc.rpartition("@")[2] or last.get("host", "")
    target = last.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
    if target and target not in TARGETS:
        raise DatabaseError(f"target_session_attrs must be one of {', '.join(TARGETS)}")
    # asyncpg would take any server, as it is not told that there are other hosts.
    targets = ("standby", "any") if target == "prefer-standby" else (target,)
    rounds = [
        _urls(parts, {**last, "target_session_attrs": target} if target else last)
        for target in targets
    ]
    return Source(f"postgresql://{shown}{parts.path}", tuple(rounds))


def _check_user() -> None:
    """See that there is a user to connect as, where the URL has none.

    Raises:
        DatabaseError: there is none, as in a container that runs under a bare number.
    """
    if os.environ.keys() & {"PGUSER", "PGSERVICE"}:
        return
    try:
        getuser()
    except (KeyError, OSError):  # the latter from Python 3.13 on
        raise DatabaseError(
            "GRAPH_DATABASE_URL has no user, and this process's own has no name: "
            "write postgresql://user@…"
        ) from None


def _urls(parts: SplitResult, options: dict[str, str]) -> dict[str, str]:
    """A URL for each host alone.

    Raises:
        DatabaseError: a host is empty, or the ports are not as many as the hosts.
    """
    login, at, places = parts.netloc.rpartition("@")
    default = "" if "service" in options else os.environ.get("PGHOST", "")
    names = places or options.get("host") or default
    if not names:  # asyncpg finds the hosts: in the service's file, or on this machine
        return {"the server": parts._replace(query=_query(options)).geturl()}
    hosts = names.split(",")
    ports = (options.get("port") or os.environ.get("PGPORT", "")).split(",")
    if not all(hosts) or len(ports) not in {1, len(hosts)}:
        raise DatabaseError(
            f"GRAPH_DATABASE_URL has {len(hosts)} hosts, none of which may be empty, "
            f"and {len(ports)} ports"
        )
    urls = {}
    for index, host in enumerate(hosts):
        port = ports[index % len(ports)]
        has_port = not port or (places and ":" in host.rpartition("]")[2])
        place = host if has_port else f"{host}:{port}"
        if places:
            one = parts._replace(netloc=f"{login}{at}{place}", query=_query(options))
        else:
            own = {**options, "host": host} | ({"port": port} if port else {})
            one = parts._replace(query=_query(own))
        urls[place] = one.geturl()
    return urls


def _query(options: dict[str, str]) -> str:
    return urlencode(options, safe="/", quote_via=quote)
