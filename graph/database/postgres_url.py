"""PostgreSQL's URLs, as people have them."""

from urllib.parse import parse_qs, urlsplit

from graph.database.base import DatabaseError

OPTIONS = {
    *("application_name", "database", "dbname", "gsslib", "host", "krbsrvname", "options"),
    *("passfile", "password", "port", "service", "ssl_max_protocol_version"),
    *("ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey", "sslmode", "sslnegotiation"),
    *("sslpassword", "sslrootcert", "target_session_attrs", "user"),
}
"""The URL's options, which asyncpg gives the meaning that they have in libpq
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""


def data_source(url: str) -> tuple[str, str]:
    """What asyncpg takes for a URL as people have it, and what an operator may see of it.

    Raises:
        DatabaseError: it is no URL of PostgreSQL, or has options that are not known.
    """
    _, _, rest = url.partition("://")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        parts = None
    hosts = parts.netloc.rpartition("@")[2] if parts else ""
    if parts is None or parts.netloc.count("@") > 1 or "@" in parts.path or parts.fragment:
        raise DatabaseError(
            "GRAPH_DATABASE_URL is not a database URL. "
            "Special characters in the password must be percent-encoded, as in p%40ss for p@ss"
        )
    unknown = options.keys() - OPTIONS
    if unknown:
        raise DatabaseError(f"GRAPH_DATABASE_URL has unknown options: {', '.join(sorted(unknown))}")
    shown = hosts or options.get("host", [""])[-1]
    return parts.geturl(), f"postgresql://{shown}{parts.path}"
