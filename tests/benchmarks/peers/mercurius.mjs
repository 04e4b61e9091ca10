// Mercurius with its JIT, over better-sqlite3 or pg: statements prepared once, as durable as the rest.

import Sqlite from "better-sqlite3";
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const schema = `
  type Hero { id: ID!  name: String!  age: Int  secretName: String! }
  type Query {
    heroes(
      offset: Int! = 0, limit: Int! = 100, where: HeroFilter, orderBy: [HeroOrder!]
    ): [Hero!]!
    heroesConnection(first: Int! = 100, after: String): HeroConnection!
    hero(id: ID!): Hero
  }
  input CreateHeroInput { name: String!  secretName: String!  age: Int }
  input UpdateHeroInput { name: String  secretName: String  age: Int }
  type Mutation {
    createHero(input: CreateHeroInput!): Hero!
    updateHero(id: ID!, input: UpdateHeroInput!): Hero!
  }
  input IntFilter { gte: Int! }
  input HeroFilter { age: IntFilter! }
  enum HeroOrderField { AGE }
  input HeroOrder { field: HeroOrderField! }
  type PageInfo { hasNextPage: Boolean!  endCursor: String }
  type HeroConnection { nodes: [Hero!]!  pageInfo: PageInfo! }
`;

const COLUMNS = 'id, name, age, secret_name AS "secretName"';

/** Gives what runs a statement on SQLite, and returns its rows. */
function sqlite(path) {
  const db = new Sqlite(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  const prepared = new Map();
  return (sql, values) => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql.replace(/\$\d+/g, "?"));
      prepared.set(sql, statement);
    }
    return statement.all(values);
  };
}

/** The same on PostgreSQL, with statements that have names, so that it keeps them. */
function postgres(url) {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const names = new Map();
  return async (text, values) => {
    let name = names.get(text);
    if (name === undefined) {
      name = `s${names.size}`;
      names.set(text, name);
    }
    return (await pool.query({ name, text, values })).rows;
  };
}

const url = process.env.DATABASE_URL;
const run = url.startsWith("sqlite")
  ? sqlite(url.replace("sqlite:///", ""))
  : postgres(url.replace(/^postgresql\+\w+/, "postgresql"));

const resolvers = {
  Query: {
    heroes: (_, { offset, limit, where, orderBy }) => {
      const order = orderBy ? "age, id" : "id";
      return where
        ? run(
            `SELECT ${COLUMNS} FROM hero WHERE age >= $1 ORDER BY ${order} LIMIT $2 OFFSET $3`,
            [where.age.gte, limit, offset],
          )
        : run(`SELECT ${COLUMNS} FROM hero ORDER BY ${order} LIMIT $1 OFFSET $2`, [limit, offset]);
    },
    heroesConnection: async (_, { first, after }) => {
      const found = await run(
        `SELECT ${COLUMNS} FROM hero WHERE id > $1 ORDER BY id LIMIT $2`,
        [Number(after ?? 0), first + 1],
      );
      const nodes = found.slice(0, first);
      return {
        nodes,
        pageInfo: { hasNextPage: found.length > first, endCursor: nodes.at(-1)?.id },
      };
    },
    hero: async (_, { id }) =>
      (await run(`SELECT ${COLUMNS} FROM hero WHERE id = $1`, [Number(id)]))[0],
  },
  Mutation: {
    createHero: async (_, { input: { name, age = null, secretName } }) =>
      (
        await run(
          `INSERT INTO hero (name, age, secret_name) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`,
          [name, age, secretName],
        )
      )[0],
    updateHero: async (_, { id, input }) => {
      const columns = { name: "name", age: "age", secretName: "secret_name" };
      const changes = Object.keys(input).map((name, index) => `${columns[name]} = $${index + 1}`);
      const values = [...Object.values(input), Number(id)];
      const sql = `UPDATE hero SET ${changes} WHERE id = $${values.length} RETURNING ${COLUMNS}`;
      return (await run(sql, values))[0];
    },
  },
};

const app = Fastify({ forceCloseConnections: true });
app.register(mercurius, { schema, resolvers, jit: 1, path: "/graphql" });
await app.listen({ host: process.argv[2], port: Number(process.argv[3]) });
process.on("SIGTERM", () => process.exit(0));
