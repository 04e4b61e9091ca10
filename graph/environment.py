"""Reads the settings, and finds names that are nearly theirs, or written where nobody reads them.

Whoever has set a token under a wrong name must not find the API open.
"""

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from graph.errors import logger
from graph.observe.logs import configure
from graph.settings import ENV_FILE, ENV_FILE_ENCODING, PREFIX, Settings

OF_KUBERNETES = re.compile(
    r"(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)"
)
"""Set, behind the prefix, by Kubernetes for a Service called `graph` or `graph-…`
(https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)."""

NAME = re.compile(rf"\s*(?:export\s+)?({PREFIX}\w+)", re.IGNORECASE)
"""The name of a setting at the start of a line of `.env`."""

FIXED = {
    "AUTOMATIC_PERSISTED_QUERIES",
    "COMPRESSION",
    "FAST_EXECUTION",
    "IDEMPOTENCY_ANSWER_BYTES",
    "IDEMPOTENCY_KEYS",
    "MAX_FILTER_DEPTH",
    "MAX_PREDICATES",
}
"""Names of former settings; they are unknown, but no misspelled ones."""

NEAR = 0.75
"""Ratio of equal characters from which a name behind the prefix is a setting's, misspelled."""

VERY_NEAR = 0.9
"""The same for a whole name that begins in another way, and may be another program's."""


class SettingsError(Exception):
    """Unusable settings; the message is one line for the operator."""


def load_settings() -> Settings:
    """The settings of the environment and of `.env`; logging is configured as they say.

    Raises:
        SettingsError: a setting is wrong, or misspelled, or the file cannot be read.
    """
    unknown = sorted(_unknown({*os.environ, *_names_in_file()}))
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        raise SettingsError(f"{PREFIX}{name}: {first['msg']}") from None
    configure(settings)
    if unknown:
        logger.warning("No setting, and passed over: %s", ", ".join(unknown))
    return settings


def _unknown(names: set[str]) -> Iterator[str]:
    """Those of the names that look like settings and are none.

    Raises:
        SettingsError: one is nearly a setting's.
    """
    settings = {name.upper() for name in Settings.model_fields}
    in_full = [PREFIX + name for name in settings]
    for name in names:
        upper = name.upper()
        rest = upper.removeprefix(PREFIX)
        if rest == upper:
            if near := get_close_matches(upper, in_full, 1, VERY_NEAR):
                yield f"{name} (is {near[0]} meant?)"
        elif rest not in settings and not OF_KUBERNETES.fullmatch(rest):
            near = get_close_matches(rest, settings, 1, NEAR)
            if near and rest not in FIXED:
                raise SettingsError(f"{name} is no setting: {PREFIX}{near[0]} is meant")
            yield name


def _names_in_file() -> set[str]:
    """Return the names that `.env` sets.

    Raises:
        SettingsError: the file cannot be read, or a line begins with a setting and sets nothing.
    """
    file = Path(ENV_FILE)
    try:
        # A directory, as a container mounts it for a missing file, or a link that leads nowhere
        # would be passed over, with the token that was to be in it.
        is_there = file.is_file() or file.is_dir() or file.is_symlink()
        text = file.read_text(ENV_FILE_ENCODING) if is_there else ""
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE} is not UTF-8: save it in that encoding") from None
    if "\0" in text:  # UTF-16 without a byte order mark
        raise SettingsError(f"{ENV_FILE} is not UTF-8: save it in that encoding")
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    for number, line in enumerate(text.splitlines(), 1):
        found = NAME.match(line)
        if found and values.get(found[1]) is None:
            raise SettingsError(f"{ENV_FILE}, line {number}: write {found[1]}=value")
    return set(values)
