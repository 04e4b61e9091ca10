"""Reads the settings from the environment and `.env`; finds misspelled names.

A token that is set under a misspelled name must not leave the API open.
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
"""Names, without the prefix, that Kubernetes sets for a Service called `graph` or `graph-…`
(https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)."""

NAME = re.compile(rf"\s*(?:export\s+)?({PREFIX}\w+)", re.IGNORECASE)
"""The name of a setting at the start of a line of `.env`."""

FORMER = {
    "AUTOMATIC_PERSISTED_QUERIES": "always on",
    "COMPRESSION": "always on",
    "FAST_EXECUTION": "always on",
    "IDEMPOTENCY_ANSWER_BYTES": "always 200000",
    "IDEMPOTENCY_KEYS": "always on",
    "KEEP_ALIVE": "always 3600",
    "MAX_DEPTH": "always 20",
    "MAX_FILTER_DEPTH": "always 4",
    "MAX_FILTER_VALUES": "always 100",
    "MAX_PREDICATES": "always 20",
}
"""Former settings, with what holds instead; they are not misspelled names."""

NEAR = 0.75
"""Minimum similarity of a misspelled name to a setting's, both without the prefix."""

VERY_NEAR = 0.9
"""Minimum similarity of a name without the prefix, which may be another program's."""


class SettingsError(Exception):
    """A setting is invalid; the message is one line for the operator."""


def load_settings() -> Settings:
    """Read the settings, and configure logging by them.

    Raises:
        SettingsError: a setting is invalid or misspelled, or `.env` cannot be read.
    """
    unknown = sorted(_unknown({*os.environ, *_names_in_file()}))
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{PREFIX}{name}: {message}") from None
    configure(settings)
    if unknown:
        logger.warning("Unknown settings, ignored: %s", ", ".join(unknown))
    return settings


def _unknown(names: set[str]) -> Iterator[str]:
    """Return the names that look like settings, but are not.

    Raises:
        SettingsError: a name is misspelled.
    """
    settings = {name.upper() for name in Settings.model_fields}
    in_full = [PREFIX + name for name in settings]
    for name in names:
        upper = name.upper()
        rest = upper.removeprefix(PREFIX)
        if rest == upper:
            if near := get_close_matches(upper, in_full, 1, VERY_NEAR):
                yield f"{name} (did you mean {near[0]}?)"
        elif rest not in settings and not OF_KUBERNETES.fullmatch(rest):
            near = get_close_matches(rest, settings, 1, NEAR)
            if near and rest not in FORMER:
                raise SettingsError(f"Unknown setting {name}: did you mean {PREFIX}{near[0]}?")
            yield f"{name} (now {FORMER[rest]})" if rest in FORMER else name


def _names_in_file() -> set[str]:
    """Return the names that `.env` sets.

    Raises:
        SettingsError: the file cannot be read, or a line begins with a setting and sets nothing.
    """
    file = Path(ENV_FILE)
    try:
        # Reading fails if it is a directory, which a container mounts in place of a missing file,
        # or a broken link. Without this, the token that was meant to be in it would be missing.
        exists = file.is_file() or file.is_dir() or file.is_symlink()
        text = file.read_text(ENV_FILE_ENCODING) if exists else ""
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE} is not in UTF-8: save it in that encoding") from None
    if "\0" in text:  # UTF-16 without a byte order mark
        raise SettingsError(f"{ENV_FILE} is not in UTF-8: save it in that encoding")
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    for number, line in enumerate(text.splitlines(), 1):
        found = NAME.match(line)
        if found and values.get(found[1]) is None:
            raise SettingsError(f"{ENV_FILE}, line {number}: write {found[1]}=value")
    return set(values)
