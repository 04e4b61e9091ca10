// PostGraphile 5 with the schema that it makes of the table, over its own pool of pg.

import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const connectionString = process.env.DATABASE_URL.replace(/^postgresql\+\w+/, "postgresql");
const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString, schemas: ["public"] })],
  grafserv: { graphqlPath: "/graphql" },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen({ host: process.argv[2], port: Number(process.argv[3]) });
process.on("SIGTERM", () => process.exit(0));
