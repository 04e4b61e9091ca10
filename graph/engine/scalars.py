"""Scalars that Strawberry lacks, for every schema of this service."""

import re
from datetime import timedelta
from typing import Any, NewType

import strawberry
from pydantic import TypeAdapter

BigInt = NewType("BigInt", int)
"""The scalar of integers beyond GraphQL's `Int`, which has 32 bits."""

Duration = NewType("Duration", timedelta)
"""The scalar of durations."""

MIN_BIG, MAX_BIG = -(2**63), 2**63 - 1

INTEGER = re.compile(r"-?[0-9]{1,19}")

DURATIONS = TypeAdapter(timedelta)


def _parse_big(value: Any) -> int:
    if isinstance(value, str) and INTEGER.fullmatch(value):
        value = int(value)
    if type(value) is not int or not MIN_BIG <= value <= MAX_BIG:
        raise ValueError("BigInt must be an integer of at most 64 bits, as a text or a number.")
    return value


def _write_big(value: Any) -> str:
    if type(value) is not int:
        raise ValueError("BigInt must be an integer.")
    return str(value)


def _parse_duration(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise TypeError("Duration must be a text such as `PT1H30M`.")
    try:
        return DURATIONS.validate_python(value)
    except ValueError:
        raise ValueError("Duration must be a text such as `PT1H30M`.") from None


def _write_duration(value: Any) -> str:
    """Return a duration in days; pydantic would write 365 days as a year."""
    if not isinstance(value, timedelta):
        raise TypeError("Duration must be a timedelta.")
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    parts = ((value.days, "D"), (hours, "H"), (minutes, "M"))
    days, *times = [f"{count}{unit}" if count else "" for count, unit in parts]
    if seconds or fraction:
        times.append(f"{seconds}{fraction}S")
    time = "".join(times)
    if not days and not time:
        return "PT0S"
    return f"{sign}P{days}{'T' if time else ''}{time}"


SCALARS: dict[object, Any] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="An integer of at most 64 bits, as a text: numbers in JSON may lose digits.",
        serialize=_write_big,
        parse_value=_parse_big,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="A duration as in ISO 8601, such as `P1DT2H` or `PT0.5S`.",
        specified_by_url="https://www.iso.org/iso-8601-date-and-time-format.html",
        serialize=_write_duration,
        parse_value=_parse_duration,
    ),
}
"""By Python type, the definition of its scalar."""
