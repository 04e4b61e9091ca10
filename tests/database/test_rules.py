"""Triggers, constraints, rights and row-level security that refuse a write or skip a row."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import make_url

from tests.support.client import Client
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.service_process import run

Serve = Callable[..., Client]

SAYS = "A value breaks a rule of the table."

ON_SQLITE = "CREATE TRIGGER rule BEFORE {} ON hero WHEN {}.name = 'Bad' BEGIN SELECT {}; END"

FUNCTION = """
CREATE FUNCTION rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF {}.name = 'Bad' THEN {}; END IF; RETURN {}; END $$
"""

TRIGGER = "CREATE TRIGGER rule BEFORE {} ON hero FOR EACH ROW EXECUTE FUNCTION rule()"

CREATE_THREE = """createHeroes(inputs: [
  { name: "A", secretName: "s" }, { name: "Bad", secretName: "s" }, { name: "C", secretName: "s" }
]) { name }"""


def make_rule(sql: Sql, url: str, event: str, does: str) -> None:
    """Create a trigger that does this before a write of a hero named Bad."""
    row = "new" if event == "INSERT" else "old"
    if url.startswith("sqlite"):
        sql(ON_SQLITE.format(event, row, does))
    else:
        returned = "new" if event == "UPDATE" else row
        script(sql, FUNCTION.format(row, does, returned), TRIGGER.format(event))


def script(sql: Sql, *statements: str) -> None:
    """Run statements, one after another."""
    for statement in statements:
        sql(statement)


def refused(api: Client, mutation: str) -> None:
    """Check that a mutation fails with the rule's message."""
    (error,) = api.execute(f"mutation {{ {mutation} }}")["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == SAYS


@on_sqlite
@pytest.mark.parametrize("does", [f"RAISE({how}, 'no')" for how in ("ABORT", "FAIL", "ROLLBACK")])
def test_a_trigger_refuses_on_sqlite(api: Client, sql: Sql, database_url: str, does: str) -> None:
    make_rule(sql, database_url, "INSERT", does)
    assert_bad_is_refused(api)


@on_postgresql
@pytest.mark.parametrize(
    "does",
    [
        "RAISE EXCEPTION 'no'",
        "RAISE EXCEPTION 'no' USING ERRCODE = '45000'",
        "RAISE check_violation",
        "ASSERT false",
    ],
)
def test_a_trigger_refuses_on_postgresql(
    api: Client, sql: Sql, database_url: str, does: str
) -> None:
    make_rule(sql, database_url, "INSERT", does)
    assert_bad_is_refused(api)


def assert_bad_is_refused(api: Client) -> None:
    """Check that no hero named Bad is created, but others are."""
    refused(api, 'createHero(input: { name: "Bad", secretName: "s" }) { id }')
    refused(api, CREATE_THREE)
    assert api.heroes() == []
    assert api.create("Good")["name"] == "Good"


def test_a_row_that_a_trigger_skips_is_an_error(api: Client, sql: Sql, database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    kept = [api.create(name)["id"] for name in ("One", "Bad")]
    one, several = f"id: {kept[1]}", f"where: {{ id: {{ in: {kept} }} }}".replace("'", "")
    refusals = {
        "INSERT": ['createHero(input: { name: "Bad", secretName: "s" }) { id }', CREATE_THREE],
        "UPDATE": [
            f"updateHero({one}, input: {{ age: 1 }}) {{ id }}",
            f"updateHeroes({several}, input: {{ age: 1 }}, atMost: 9) {{ id }}",
        ],
        "DELETE": [f"deleteHero({one}) {{ id }}", f"deleteHeroes({several}, atMost: 9) {{ id }}"],
    }
    for event, mutations in refusals.items():
        make_rule(sql, database_url, event, "RAISE(IGNORE)" if is_sqlite else "RETURN NULL")
        for mutation in mutations:
            refused(api, mutation)
        sql("DROP TRIGGER rule" if is_sqlite else "DROP FUNCTION rule CASCADE")
    assert [(hero["id"], hero["age"]) for hero in api.heroes()] == [(id_, None) for id_ in kept]


@on_sqlite
@pytest.mark.parametrize("does", ["REPLACE", "IGNORE", "ROLLBACK", "FAIL"])
def test_a_constraints_own_conflict_clause_has_no_effect(serve: Serve, sql: Sql, does: str) -> None:
    sql(f"""CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE ON CONFLICT {does},
      age INTEGER, secret_name TEXT NOT NULL)""")
    api = serve()
    heroes = [api.create(name) for name in ("One", "Two")]
    for mutation in (
        'createHero(input: { name: "One", secretName: "s" }) { id }',
        """createHeroes(inputs: [
          { name: "Three", secretName: "s" }, { name: "One", secretName: "s" }
        ]) { id }""",
        'updateHero(id: 2, input: { name: "One" }) { id }',
        'updateHeroes(where: { id: { eq: 2 } }, input: { name: "One" }) { id }',
    ):
        assert api.codes(f"mutation {{ {mutation} }}") == ["CONFLICT"]
        assert api.heroes() == heroes


NEEDS = {
    "INSERT": 'createHero(input: { name: "A", secretName: "s" }) { id }',
    "UPDATE": "updateHero(id: 1, input: { age: 1 }) { id }",
    "DELETE": "deleteHero(id: 1) { id }",
}
"""By right, a mutation that needs it."""


@pytest.fixture
def role(database_url: str, sql: Sql) -> Iterator[str]:
    """The URL of the test's database for a role that is no superuser."""
    url = make_url(database_url)
    name = f"plain_{url.database}"
    script(sql, f"CREATE ROLE {name} LOGIN", f"GRANT ALL ON SCHEMA public TO {name}")
    yield url.set(username=name).render_as_string(hide_password=False)
    script(sql, f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


@on_postgresql
@pytest.mark.parametrize("right", ["INSERT", "UPDATE", "DELETE"])
def test_a_missing_right_is_forbidden_and_named(
    serve: Serve, sql: Sql, role: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = serve(database_url=role)
    api.create()
    assert api.http.get("/ready").status_code == 200
    name = make_url(role).username
    script(
        sql, "ALTER TABLE hero OWNER TO CURRENT_USER", f"GRANT ALL ON hero, hero_id_seq TO {name}"
    )
    assert api.http.get("/ready").status_code == 200
    sql(f"REVOKE {right} ON hero FROM {name}")
    assert api.codes(f"mutation {{ {NEEDS[right]} }}") == ["FORBIDDEN"]
    assert api.http.get("/ready").status_code == 503
    assert len(api.heroes()) == 1
    monkeypatch.setenv("GRAPH_DATABASE_URL", role)
    checked = run("db", "check")
    assert checked.returncode == 1
    assert f"GRANT {right} ON hero TO {name}" in checked.stderr


@on_postgresql
def test_the_least_rights_suffice(
    serve: Serve, sql: Sql, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()  # creates the tables
    name = make_url(role).username
    script(
        sql,
        f"GRANT SELECT, DELETE ON hero TO {name}",
        f"GRANT INSERT (name, age, secret_name), UPDATE (name, age, secret_name) ON hero TO {name}",
        "ALTER TABLE hero ALTER id DROP DEFAULT",
        "ALTER TABLE hero ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
        f"GRANT SELECT ON hero_graph_version TO {name}",
    )
    monkeypatch.setenv("GRAPH_DATABASE_URL", role)
    checked = run("db", "check")
    assert checked.returncode == 1
    assert f"GRANT SELECT, INSERT, UPDATE, DELETE ON hero_graph_answer TO {name}" in checked.stderr
    sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON hero_graph_answer TO {name}")
    checked = run("db", "check")
    assert checked.returncode == 4
    grant = f"GRANT SELECT, UPDATE, DELETE ON public.hero_graph_hero_change TO {name}"
    assert grant in checked.stderr
    sql(grant)
    api = serve(database_url=role)
    api.create()
    for mutation in NEEDS.values():
        body = {"query": f"mutation {{ {mutation} }}", "extensions": {"idempotencyKey": mutation}}
        assert "errors" not in api.post(body).json()


@on_postgresql
def test_row_level_security_refuses_a_row(serve: Serve, sql: Sql, role: str) -> None:
    api = serve(database_url=role)
    name = make_url(role).username
    script(
        sql,
        "ALTER TABLE hero OWNER TO CURRENT_USER",
        f"GRANT ALL ON hero, hero_id_seq TO {name}",
        "ALTER TABLE hero ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY young ON hero USING (age < 30)",
    )
    create = 'mutation { createHero(input: { name: "A", secretName: "s", age: %d }) { age } }'
    assert api.codes(create % 40) == ["FORBIDDEN"]
    assert api.data(create % 20) == {"createHero": {"age": 20}}
    assert len(api.heroes()) == 1
    script(sql, "DROP POLICY young ON hero", "CREATE POLICY all_ ON hero FOR SELECT USING (true)")
    for mutation in ("updateHero(id: %s, input: { age: 1 }) { id }", "deleteHero(id: %s) { id }"):
        there = api.heroes()[0]["id"]
        assert api.codes(f"mutation {{ {mutation % there} }}") == ["FORBIDDEN"]
        assert api.codes(f"mutation {{ {mutation % 999} }}") == ["NOT_FOUND"]


@on_postgresql
@pytest.mark.parametrize("for_", ["UPDATE", "DELETE"])
def test_row_level_security_refuses_one_of_several(
    serve: Serve, sql: Sql, role: str, for_: str
) -> None:
    api = serve(database_url=role)
    name = make_url(role).username
    before = [api.create(name, age=age) for name, age in (("Young", 20), ("Old", 40))]
    script(
        sql,
        "ALTER TABLE hero OWNER TO CURRENT_USER",
        f"GRANT ALL ON hero, hero_id_seq TO {name}",
        "ALTER TABLE hero ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY all_ ON hero USING (true)",
        f"CREATE POLICY young ON hero AS RESTRICTIVE FOR {for_} USING (age < 30)",
    )
    where = "where: { age: { gte: %d } }, atMost: 9"
    if for_ == "UPDATE":
        change = "updateHeroes(%s, input: { age: 21 }) { id }"
        assert api.codes(f"mutation {{ {change % where % 40} }}") == ["FORBIDDEN"]
        assert api.codes(f"mutation {{ {change % where % 20} }}") == ["FORBIDDEN"]
    delete = f"deleteHeroes({where}) {{ id }}"
    assert api.codes(f"mutation {{ {delete % 40} }}") == ["FORBIDDEN"]
    assert api.codes(f"mutation {{ {delete % 20} }}") == ["FORBIDDEN"]
    if for_ == "DELETE":
        assert api.codes("mutation { deleteHero(id: 2) { id } }") == ["FORBIDDEN"]
    assert api.heroes() == before


NO_DEFAULT = """CREATE TABLE changed (id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL, age INTEGER, secret_name TEXT NOT NULL, team TEXT NOT NULL)"""

ON_SQLITE_CHANGES = {
    "a required column": (NO_DEFAULT, "DROP TABLE hero", "ALTER TABLE changed RENAME TO hero"),
    "a unique default": (
        "DELETE FROM hero",
        "ALTER TABLE hero ADD team TEXT DEFAULT 'x'",
        "CREATE UNIQUE INDEX one_team ON hero (team)",
        "INSERT INTO hero (name, secret_name, team) VALUES ('A', 's', 'x')",
    ),
}

ON_POSTGRESQL_CHANGES = {
    "a key that is there": ("SELECT setval('hero_id_seq', 1, false)",),
    "a key by another name": (
        "ALTER TABLE hero DROP CONSTRAINT hero_pkey",
        'ALTER TABLE hero ADD CONSTRAINT "the key" PRIMARY KEY (id)',
        "SELECT setval('hero_id_seq', 1, false)",
    ),
    "a required column": (
        "ALTER TABLE hero ADD team TEXT NOT NULL DEFAULT 'x'",
        "ALTER TABLE hero ALTER team DROP DEFAULT",
    ),
    "a unique default": (
        "ALTER TABLE hero ADD team TEXT",
        "ALTER TABLE hero ALTER team SET DEFAULT 'x'",
        "CREATE UNIQUE INDEX one_team ON hero (team)",
        "INSERT INTO hero (name, secret_name, team) VALUES ('A', 's', 'x')",
    ),
    "a reference by default": (
        "CREATE TABLE team (id INTEGER PRIMARY KEY)",
        "ALTER TABLE hero ADD team INTEGER REFERENCES team",
        "ALTER TABLE hero ALTER team SET DEFAULT 7",
    ),
}


@on_sqlite
@pytest.mark.parametrize("change", ON_SQLITE_CHANGES)
def test_a_constraint_that_no_request_can_violate_is_internal_on_sqlite(
    api: Client, sql: Sql, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert_fault_of_ours(api, sql, ON_SQLITE_CHANGES[change], "team", caplog)


@on_postgresql
@pytest.mark.parametrize("change", ON_POSTGRESQL_CHANGES)
def test_a_constraint_that_no_request_can_violate_is_internal_on_postgresql(
    api: Client, sql: Sql, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    column = "id" if "key" in change else "team"
    assert_fault_of_ours(api, sql, ON_POSTGRESQL_CHANGES[change], column, caplog)


def assert_fault_of_ours(
    api: Client,
    sql: Sql,
    changes: Sequence[str],
    column: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """See that creations fail after these changes, and that the log names the column."""
    for _ in range(5):
        api.create()
    script(sql, *changes)
    create = """mutation { createHeroes(inputs: [
      { name: "A", secretName: "s" }, { name: "B", secretName: "s" }
    ]) { id } }"""
    stored = sql("SELECT count(*) FROM hero")
    for mutation in (
        create,
        'mutation { createHero(input: { name: "A", secretName: "s" }) { id } }',
    ):
        caplog.clear()
        assert api.codes(mutation) == ["INTERNAL_SERVER_ERROR"]
        assert "hero refuses a row for a value that no request gives" in caplog.text
        assert f"({column})" in caplog.text
    assert sql("SELECT count(*) FROM hero") == stored


def test_a_rule_of_a_table_that_a_trigger_writes_to_is_the_clients_to_keep(
    api: Client, sql: Sql, database_url: str
) -> None:
    sql("CREATE TABLE log (team TEXT PRIMARY KEY)")
    sql("INSERT INTO log VALUES ('Bad')")
    if database_url.startswith("sqlite"):
        does = "INSERT INTO log VALUES (new.name)"
        sql(f"CREATE TRIGGER rule AFTER INSERT ON hero BEGIN {does}; END")
    else:
        does = "INSERT INTO log VALUES (new.name)"
        script(sql, FUNCTION.format("new", does, "new"), TRIGGER.format("INSERT"))
    create = 'mutation { createHero(input: { name: "Bad", secretName: "s" }) { id } }'
    (error,) = api.execute(create)["errors"]
    assert error["extensions"] == {"code": "CONFLICT", "constraint": "UNIQUE", "fields": []}


USED_UP = {
    "sqlite": ["INSERT INTO hero VALUES (9223372036854775807, 'A', 1, 's')"],
    "postgresql": ["ALTER SEQUENCE hero_id_seq MAXVALUE 2", "SELECT setval('hero_id_seq', 2)"],
}


def test_ids_that_are_used_up_are_a_fault_of_ours(api: Client, sql: Sql, database_url: str) -> None:
    """It is not one of the disk, either, which may be over in a while."""
    kind = make_url(database_url).get_backend_name()
    script(sql, *USED_UP[kind])
    before = api.heroes()
    for mutation in ('createHero(input: { name: "A", secretName: "s" }) { id }', CREATE_THREE):
        assert api.codes(f"mutation {{ {mutation} }}") == ["INTERNAL_SERVER_ERROR"]
    assert api.http.get("/ready").status_code == 200
    assert api.heroes() == before


@on_postgresql
def test_a_sequence_that_only_the_check_must_see(
    serve: Serve, sql: Sql, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()  # creates the tables
    name = make_url(role).username
    script(
        sql,
        "CREATE SCHEMA numbers",
        "CREATE SEQUENCE numbers.ids",
        "ALTER TABLE hero ALTER id SET DEFAULT nextval('numbers.ids')",
        f"GRANT ALL ON hero, hero_graph_answer, hero_graph_hero_change TO {name}",
        f"GRANT ALL ON hero_graph_version, numbers.ids TO {name}",
    )
    serve(database_url=role).create()
    monkeypatch.setenv("GRAPH_DATABASE_URL", role)
    checked = run("db", "check")
    assert checked.returncode == 1
    assert checked.stderr == (
        "hero-graph: cannot compare the tables with the models: permission denied for schema"
        " numbers; check as the tables' owner\n"
    )
