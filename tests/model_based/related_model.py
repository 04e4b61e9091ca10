"""A model in plain Python of tables with relations: those of `tests.support.related_tables`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from tests.model_based import model
from tests.model_based.documents import RootField, Selection
from tests.model_based.model import Json, RefusedError


class Team(NamedTuple):
    """A row of the table `team`."""

    id: UUID
    name: str
    rank: int | None
    captain_id: int | None

    def answered(self) -> dict[str, Any]:
        """Return the row as in an answer."""
        return {
            "id": str(self.id),
            "name": self.name,
            "rank": self.rank,
            "captainId": _id(self.captain_id),
        }


class Member(NamedTuple):
    """A row of the table `member`."""

    id: int
    name: str
    age: int | None
    mentor_id: int | None
    home_id: UUID | None

    def answered(self) -> dict[str, Any]:
        """Return the row as in an answer."""
        return {
            "id": str(self.id),
            "name": self.name,
            "age": self.age,
            "mentorId": _id(self.mentor_id),
            "homeId": _id(self.home_id),
        }


def _id(key: UUID | int | None) -> str | None:
    return None if key is None else str(key)


Row: TypeAlias = Team | Member

COLUMNS: dict[str, Callable[[Any], tuple[str, Any]]] = {
    "name": lambda given: ("name", given),
    "age": lambda given: ("age", given),
    "mentorId": lambda given: ("mentor_id", None if given is None else int(given)),
    "homeId": lambda given: ("home_id", None if given is None else UUID(given)),
}
"""By field of an input of a member, its column and value."""


Links: TypeAlias = frozenset[tuple[UUID, int]]
"""Which member is in which team."""


class Relation(NamedTuple):
    """A relation of a table."""

    target: str
    has: Callable[[Links, Any, Any], bool]
    """Whether a row has another as one of its related rows."""


RELATIONS = {
    "team": {
        "members": Relation("member", lambda links, own, row: (own.id, row.id) in links),
        "guests": Relation("member", lambda _, own, row: row.home_id == own.id),
        "captain": Relation("member", lambda _, own, row: row.id == own.captain_id),
    },
    "member": {
        "teams": Relation("team", lambda links, own, row: (row.id, own.id) in links),
        "pupils": Relation("member", lambda _, own, row: row.mentor_id == own.id),
        "home": Relation("team", lambda _, own, row: row.id == own.home_id),
        "mentor": Relation("member", lambda _, own, row: row.id == own.mentor_id),
    },
}
"""By table and field."""

LISTS = {"members", "guests", "teams", "pupils"}
"""Relations that are lists."""


def relations_of(row: Row) -> dict[str, Relation]:
    """Return the relations of the row's table."""
    return RELATIONS["team" if isinstance(row, Team) else "member"]


def constant(where: Json) -> bool | None:
    """Return what a filter of members is for all rows; None if it compares anything."""
    parts: list[bool | None] = []
    for name, value in where.items():
        if name in {"and", "or"}:
            inner = [constant(each) for each in value]
            parts.append(None if None in inner else all(inner) if name == "and" else any(inner))
        elif name == "not":
            part = constant(value)
            parts.append(None if part is None else not part)
        elif name in RELATIONS["member"]:
            parts.append(None)
        else:
            parts += [_constant(name, each, given) for each, given in value.items()]
    return None if None in parts else all(parts)


def _constant(name: str, operator: str, given: Any) -> bool | None:
    if operator == "isNull":
        return None
    values = given if operator == "in" else [given]
    if name in {"id", "mentorId"}:  # no row has an id such as "x" or "07"
        values = [each for each in values if each in map(str, range(10))]
    return None if values else operator == "ne"


class Tables(NamedTuple):
    """All rows."""

    teams: Mapping[UUID, Team]
    members: Mapping[int, Member]
    links: Links

    def related(self, row: Row, name: str) -> list[Any]:
        """Return the rows of a relation, sorted by key."""
        relation = relations_of(row)[name]
        rows: Any = (self.teams if relation.target == "team" else self.members).values()
        return [each for each in sorted(rows) if relation.has(self.links, row, each)]

    def matches(self, row: Row, where: Json) -> bool:
        """Whether a filter matches a row; of related rows, at least one must match."""
        return all(self._holds(row, name, value) for name, value in where.items())

    def _holds(self, row: Row, name: str, value: Any) -> bool:
        if name == "and":
            return all(self.matches(row, each) for each in value)
        if name == "or":
            return any(self.matches(row, each) for each in value)
        if name == "not":
            return not self.matches(row, value)
        if name in relations_of(row):
            return any(self.matches(each, value) for each in self.related(row, name))
        return model.matches(row, {name: value})

    def found(self, rows: Iterable[Any], arguments: Json) -> list[Any]:
        """Return the rows of a list or a page, by `where`, `orderBy`, `offset` and `limit`."""
        matching = [row for row in rows if self.matches(row, arguments.get("where", {}))]
        ordered = model.ordered(matching, {}, arguments.get("orderBy", ()))
        offset = arguments.get("offset", 0)
        return ordered[offset : offset + arguments.get("limit", len(ordered))]

    def answer(self, row: Row, selection: Selection) -> dict[str, Any]:
        """Return the selected fields of a row."""
        return {
            key: self._related(row, field) if isinstance(field, RootField) else row.answered()[key]
            for key, field in selection.items()
        }

    def _related(self, row: Row, field: RootField) -> Any:
        rows = self.related(row, field.name)
        if field.name in LISTS:
            rows = self.found(rows, {"limit": 5, **field.arguments})
            return [self.answer(each, field.selection) for each in rows]
        return self.answer(rows[0], field.selection) if rows else None

    def read(self, field: RootField) -> Any:
        """Return the answer of a root field."""
        rows: Any = (self.teams if field.name.startswith("team") else self.members).values()
        found = self.found(rows, field.arguments)
        if field.name.endswith("Stats"):
            return {"count": len(found)}
        if not field.name.endswith("Connection"):
            return [self.answer(row, field.selection) for row in found]
        nodes = field.selection["nodes"]
        return {"totalCount": len(found), "nodes": [self.answer(row, nodes) for row in found]}

    def write(self, field: RootField) -> tuple["Tables", Any]:
        """Return the tables after `updateMembers` or `deleteMembers`, and the answer.

        Raises:
            RefusedError: too many rows match, the filter compares nothing, or another row refers
                to one of them.
        """
        found = self.found(self.members.values(), {"where": field.arguments["where"]})
        if constant(field.arguments["where"]) or len(found) > field.arguments["atMost"]:
            raise RefusedError("BAD_USER_INPUT")
        if field.name == "updateMembers":
            given = field.arguments["input"]
            values = dict([COLUMNS[name](value) for name, value in given.items()])
            after = self._replace(
                members={**self.members} | {row.id: row._replace(**values) for row in found}
            )
            return after, [after.answer(after.members[row.id], field.selection) for row in found]
        gone = {row.id for row in found}
        members = {row.id: row for row in self.members.values() if row.id not in gone}
        referring = {row.mentor_id for row in members.values()}
        referring |= {row.captain_id for row in self.teams.values()}
        referring |= {member for _, member in self.links}
        if gone & referring:
            raise RefusedError("BAD_USER_INPUT")
        after = self._replace(members=members)
        return after, [after.answer(row, field.selection) for row in found]
