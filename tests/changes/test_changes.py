"""The changes of heroes, as clients get them."""

import sqlite3
from contextlib import closing

import pytest

from tests.support.client import HERO_FIELDS, Client
from tests.support.databases import Sql, on_postgresql, on_sqlite, transaction
from tests.support.follower import apply, cursor_of, following, told

UPDATE = (
    "mutation($id: ID!, $input: UpdateHeroInput!) { updateHero(id: $id, input: $input) { id } }"
)
DELETE = "mutation($id: ID!) { deleteHero(id: $id) { id } }"

INSERT = "INSERT INTO hero (name, age, secret_name) VALUES ('{}', 5, 'x')"


def numbered(count: int) -> str:
    """The statement that inserts heroes whose names are numbers."""
    rows = ", ".join(f"('{number}', 's')" for number in range(count))
    return f"INSERT INTO hero (name, secret_name) VALUES {rows}"  # noqa: S608 (numbers)


def test_changes_have_the_rows_before_and_after(api: Client) -> None:
    with following(api) as follower:
        assert follower.event() == []
        assert follower.caught_up
        hero = api.create("Deadpond", age=30)
        api.data(UPDATE, id=hero["id"], input={"name": "Spider"})
        api.data(DELETE, id=hero["id"])
        later = {**hero, "name": "Spider"}
        assert follower.changes(3) == [
            {"operation": "CREATED", "id": hero["id"], "old": None, "new": hero},
            {"operation": "UPDATED", "id": hero["id"], "old": hero, "new": later},
            {"operation": "DELETED", "id": hero["id"], "old": later, "new": None},
        ]


def test_a_cursor_goes_on_where_it_was_read(api: Client) -> None:
    api.create("Before")
    data = api.data(f"{{ heroes {{ {HERO_FIELDS} }} heroChangesCursor }}")
    api.create("After")
    with following(api, data["heroChangesCursor"]) as follower:
        changes = follower.rest()
    assert told(changes) == [("CREATED", None, "After")]
    heroes = {hero["id"]: hero for hero in data["heroes"]}
    apply(changes, heroes)
    assert [*heroes.values()] == api.heroes()


def test_a_follower_that_comes_back_misses_nothing_and_gets_nothing_twice(api: Client) -> None:
    with following(api) as follower:
        follower.event()
        api.create("Seen")
        follower.changes(1)
        cursor = follower.cursor
    api.create("Missed")
    for _ in range(2):
        with following(api, cursor) as again:
            assert told(again.rest()) == [("CREATED", None, "Missed")]
    with following(api, again.cursor) as last:
        assert last.rest() == []


def test_the_id_of_the_last_event_goes_before_the_argument(api: Client) -> None:
    old = cursor_of(api)
    api.create("First")
    with following(api, old) as follower:
        follower.event()
    assert follower.id == follower.cursor
    api.create("Second")
    with following(api, old, headers={"last-event-id": follower.id}) as follower:
        assert told(follower.rest()) == [("CREATED", None, "Second")]


def test_other_programs_are_seen(api: Client, sql: Sql) -> None:
    with following(api) as follower:
        follower.event()
        sql(INSERT.format("One"))
        sql(INSERT.format("Two"))
        sql("UPDATE hero SET name = name || '!', age = NULL")
        sql("DELETE FROM hero")
        assert told(follower.changes(6)) == [
            ("CREATED", None, "One"),
            ("CREATED", None, "Two"),
            ("UPDATED", "One", "One!"),
            ("UPDATED", "Two", "Two!"),
            ("DELETED", "One!", None),
            ("DELETED", "Two!", None),
        ]


@on_sqlite
def test_a_replaced_row_is_seen(api: Client, sql: Sql) -> None:
    api.create("Old")
    cursor = cursor_of(api)
    sql("INSERT OR REPLACE INTO hero (id, name, secret_name) VALUES (1, 'New', 'x')")
    with following(api, cursor) as follower:
        heroes = {"1": None}
        apply(follower.rest(), heroes)
    assert [*heroes.values()] == api.heroes()


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        """INSERT INTO hero (id, name, secret_name) VALUES (1, 'New', 'x')
        ON CONFLICT (id) DO UPDATE SET name = excluded.name""",
        """MERGE INTO hero USING (SELECT 1 AS id) AS it ON hero.id = it.id
        WHEN MATCHED THEN UPDATE SET name = 'New'""",
    ],
)
def test_statements_that_do_several_things_are_seen(api: Client, sql: Sql, statement: str) -> None:
    api.create("Old")
    cursor = cursor_of(api)
    sql(statement)
    with following(api, cursor) as follower:
        assert told(follower.rest()) == [("UPDATED", "Old", "New")]


def test_what_is_not_committed_or_not_changed_is_no_change(
    api: Client, sql: Sql, database_url: str
) -> None:
    api.create("Deadpond", age=5)
    cursor = cursor_of(api)
    sql("UPDATE hero SET name = name, age = 5")
    undone = INSERT.format("Undone")
    if database_url.startswith("postgresql"):
        with transaction(database_url, f"SAVEPOINT a; {undone}; ROLLBACK TO a; {undone}"):
            sql(INSERT.format("Kept"))
    else:
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other:
            for statement in (undone, "SAVEPOINT a", undone, "ROLLBACK TO a"):
                other.execute(statement)
            other.rollback()
        sql(INSERT.format("Kept"))
    with following(api, cursor) as follower:
        assert told(follower.rest()) == [("CREATED", None, "Kept")]


def test_a_change_in_case_or_kind_alone_is_a_change(api: Client, sql: Sql) -> None:
    api.create("deadpond")
    cursor = cursor_of(api)
    sql("UPDATE hero SET name = 'Deadpond'")
    with following(api, cursor) as follower:
        assert told(follower.rest()) == [("UPDATED", "deadpond", "Deadpond")]


def test_another_key_is_another_row(api: Client, sql: Sql) -> None:
    api.create("Deadpond")
    cursor = cursor_of(api)
    sql("UPDATE hero SET id = 7")
    with following(api, cursor) as follower:
        changes = follower.rest()
    assert told(changes) == [("DELETED", "Deadpond", None), ("CREATED", None, "Deadpond")]
    assert [change["id"] for change in changes] == ["1", "7"]


def test_a_filter_tells_what_enters_and_what_leaves(api: Client, sql: Sql) -> None:
    with following(api, where={"age": {"gte": 18}}) as follower:
        follower.event()
        sql(INSERT.format("Child"))
        sql("UPDATE hero SET age = 20")
        sql("UPDATE hero SET name = 'Adult'")
        sql("UPDATE hero SET age = 17")
        sql("DELETE FROM hero")
        sql(INSERT.format("Last").replace("5", "99"))
        assert told(follower.changes(4)) == [
            ("UPDATED", None, "Child"),
            ("UPDATED", "Child", "Adult"),
            ("UPDATED", "Adult", None),
            ("CREATED", None, "Last"),
        ]


def test_many_changes_come_in_order_and_in_parts(api: Client, sql: Sql) -> None:
    cursor = cursor_of(api)
    sql(numbered(1_250))
    with following(api, cursor) as follower:
        changes = follower.rest()
        assert [change["new"]["name"] for change in changes] == [str(n) for n in range(1_250)]
        api.create("Live")
        assert told(follower.event()) == [("CREATED", None, "Live")]
    with following(api, cursor) as follower:  # in the midst of a step
        follower.event()
        follower.event()
        middle = follower.cursor
    with following(api, middle) as follower:
        assert [change["new"]["name"] for change in follower.rest()][:2] == ["200", "201"]


def test_a_follower_that_is_behind_goes_on_without_a_gap(
    api: Client, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory has only the latest changes; what is missing is read from the log."""
    monkeypatch.setattr("graph.database.feed.MAX_CHANGES", 3)
    with following(api) as follower:
        follower.event()
        sql(numbered(700))
        changes = follower.changes(700)
        api.create("Live")
        changes += follower.changes(1)
    assert [each["new"]["name"] for each in changes] == [*map(str, range(700)), "Live"]


@pytest.mark.parametrize("after", ["", "x", "a7p4zHKyAAAA", "é", "A" * 5_000, "====", "bnVsbA=="])
def test_what_is_no_cursor_is_refused(api: Client, after: str) -> None:
    with following(api, after) as follower:
        assert follower.codes() == ["BAD_USER_INPUT"]
