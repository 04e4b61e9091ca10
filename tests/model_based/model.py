"""A model of the table in plain Python: the meaning of each field of the API.

Filters, orders and inputs are the JSON that a client sends. A row stands for the place that its
cursor names, too: the row as it was when the cursor was given out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cmp_to_key, partial
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from graph.hero.model import MAX_INT, MAX_TEXT_LENGTH

Json: TypeAlias = Mapping[str, Any]
Order: TypeAlias = Sequence[Json]

FIELDS = {"id": "id", "name": "name", "age": "age", "secretName": "secret_name"}
"""Column names by field of a hero in the API."""

MAX_HEROES = 100
"""Maximum number of heroes in one mutation."""


class Hero(NamedTuple):
    """A row. SQLite accepts any value as an age; PostgreSQL only integers and null."""

    id: int
    name: str
    age: Any
    secret_name: str

    def answered(self) -> dict[str, Any]:
        """Return the hero as in an answer."""
        return {**{name: getattr(self, FIELDS[name]) for name in FIELDS}, "id": str(self.id)}


class Row(Protocol):
    """A row of any table; its attributes have the names of the columns."""

    @property
    def id(self) -> Any:
        """The key, by which rows are sorted."""

    def answered(self) -> dict[str, Any]:
        """Return the row as in an answer."""


R = TypeVar("R", bound=Row)


class RefusedError(Exception):
    """The model rejects a mutation with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def folded(text: str) -> str:
    """Convert ASCII letters to lower case."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def compares(where: Json) -> bool:
    """Whether a filter depends on the hero; an empty `in` does not."""
    for name, value in where.items():
        if name in ("and", "or", "not"):
            if any(map(compares, [value] if name == "not" else value)):
                return True
        elif any(given != [] for given in value.values()):
            return True
    return False


def is_number(value: Any) -> bool:
    """Whether a value is a number; a text in a numeric column is neither less nor greater."""
    return isinstance(value, int | float)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda own, given: own == given,
    "ne": lambda own, given: own != given,
    "in": lambda own, given: own in given,
    "lt": lambda own, given: is_number(own) and own < given,
    "lte": lambda own, given: is_number(own) and own <= given,
    "gt": lambda own, given: is_number(own) and own > given,
    "gte": lambda own, given: is_number(own) and own >= given,
    "isNull": lambda own, given: (own is None) is given,
    "startsWith": lambda own, given: own.startswith(given),
    "contains": lambda own, given: given in own,
    "eqIgnoreCase": lambda own, given: folded(own) == folded(given),
}


def matches(row: Row, where: Json) -> bool:
    """Whether a filter matches a row; all given conditions must match."""
    return all(_holds(row, name, value) for name, value in where.items())


def _holds(row: Row, name: str, value: Any) -> bool:
    if name == "and":
        return all(matches(row, each) for each in value)
    if name == "or":
        return any(matches(row, each) for each in value)
    if name == "not":
        return not matches(row, value)
    own = row.answered()[name]
    return all(COMPARISONS[each](own, given) for each, given in value.items())


def rank(value: Any) -> tuple[int, Any]:
    """Sort key of a value as in SQLite: numbers, then texts, then bytes."""
    return (isinstance(value, str) + 2 * isinstance(value, bytes), value)


def compare(one: Row, other: Row, order: Order) -> int:
    """Return a number below, above or equal to 0, as `cmp_to_key` expects."""
    last = order[-1].get("direction", "ASC") if order else "ASC"
    for term in (*order, {"field": "ID", "direction": last}):
        own, others = (getattr(row, term["field"].lower()) for row in (one, other))
        if own == others:
            if term["field"] == "ID":  # two states of one row: what follows its id orders nothing
                return 0
            continue
        if own is None or others is None:
            return 1 if (own is None) is (term.get("nulls", "LAST") == "LAST") else -1
        ascending = term.get("direction", "ASC") == "ASC"
        return -1 if (rank(own) < rank(others)) is ascending else 1
    return 0


def ordered(rows: Iterable[R], where: Json, order: Order) -> list[R]:
    """Return the rows that a filter matches, sorted."""
    found = [row for row in rows if matches(row, where)]
    by_order: Callable[[Row, Row], int] = partial(compare, order=order)
    return sorted(found, key=cmp_to_key(by_order))


class Page(NamedTuple, Generic[R]):
    """The rows of a page, and whether there are rows before and after it."""

    rows: list[R]
    has_next: bool
    has_previous: bool


def page(  # noqa: PLR0913 (the arguments in the API)
    rows: Iterable[R],
    where: Json,
    order: Order,
    *,
    first: int | None = None,
    after: R | None = None,
    last: int | None = None,
    before: R | None = None,
) -> Page[R]:
    """A page of a connection; around an empty one is what its cursors leave out."""
    found = ordered(rows, where, order)
    start, end = 0, len(found)
    if after is not None:
        start = sum(compare(row, after, order) <= 0 for row in found)
    if before is not None:
        end = sum(compare(row, before, order) < 0 for row in found)
    if last is None:
        end = min(end, start + (100 if first is None else first))
    else:
        start = max(start, end - last)
    return Page(found[start:end], end < len(found), start > 0)


def stats(rows: Iterable[Hero], where: Json) -> dict[str, Any]:
    """Statistics of the heroes that a filter matches; ages are integers or null."""
    found = [row for row in rows if matches(row, where)]
    ages = [row.age for row in found if row.age is not None]
    extremes = {"min": min(ages, default=None), "max": max(ages, default=None)}
    return {
        "count": len(found),
        "age": {**extremes, "avg": sum(ages) / len(ages) if ages else None},
    }


def _checked(given: Json) -> dict[str, Any]:
    """Return the columns of an input; reject invalid values."""
    for name, value in given.items():
        if isinstance(value, str):
            usable = bool(value.strip()) and len(value) <= MAX_TEXT_LENGTH and "\0" not in value
        else:
            usable = name == "age" and (value is None or 0 <= value <= MAX_INT)
        if not usable:
            raise RefusedError("BAD_USER_INPUT")
    return {FIELDS[name]: value for name, value in given.items()}


class Table:
    """A table with mutations; each returns the heroes of its answer.

    Args:
        rows: the initial rows, with any values.
    """

    def __init__(self, rows: Iterable[Hero]) -> None:
        self.rows = {row.id: row for row in sorted(rows)}
        self._last = max(self.rows, default=0)

    def create_heroes(self, inputs: Sequence[Json]) -> list[Hero]:
        """Create heroes with the next ids."""
        checked = [_checked(given) for given in inputs]
        if len(inputs) > MAX_HEROES:
            raise RefusedError("BAD_USER_INPUT")
        created = []
        for values in checked:
            self._last += 1
            created.append(Hero(**{"id": self._last, "age": None, **values}))
        self.rows.update((hero.id, hero) for hero in created)
        return created

    def update_hero(self, hero_id: str, given: Json, expected: Json | None) -> list[Hero]:
        """Update a hero, if it still has the expected values."""
        values = _checked(given)
        (hero,) = self._by_id(hero_id)
        if any(getattr(hero, FIELDS[name]) != value for name, value in (expected or {}).items()):
            raise RefusedError("CONFLICT")
        return self._update([hero], values)

    def update_heroes(self, where: Json, given: Json, at_most: int) -> list[Hero]:
        """Update the heroes that a filter matches."""
        values = _checked(given)
        return self._update(self._matching(where, at_most), values)

    def delete_hero(self, hero_id: str) -> list[Hero]:
        """Delete a hero."""
        return self._delete(self._by_id(hero_id))

    def delete_heroes(self, where: Json, at_most: int) -> list[Hero]:
        """Delete the heroes that a filter matches."""
        return self._delete(self._matching(where, at_most))

    def _by_id(self, hero_id: str) -> list[Hero]:
        found = [row for row in self.rows.values() if str(row.id) == hero_id]
        if not found:
            raise RefusedError("NOT_FOUND")
        return found

    def _matching(self, where: Json, at_most: int) -> list[Hero]:
        found = [row for row in self.rows.values() if matches(row, where)]
        means_all = not compares(where) and matches(Hero(0, "", None, ""), where)
        if means_all or not 1 <= at_most <= MAX_HEROES or len(found) > at_most:
            raise RefusedError("BAD_USER_INPUT")
        return found

    def _update(self, heroes: Iterable[Hero], values: Mapping[str, Any]) -> list[Hero]:
        updated = [hero._replace(**values) for hero in heroes]
        self.rows.update((hero.id, hero) for hero in updated)
        return updated

    def _delete(self, heroes: list[Hero]) -> list[Hero]:
        for hero in heroes:
            del self.rows[hero.id]
        return heroes
