/** What a user is told who cannot reach Cassandra, may not, or finds another version there; and migrations side by side. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { migrateStore } from "../../core/store/cassandra_migrate.ts";
import { openStore } from "../../core/store/registry.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { eventOf, EVER, flushOf, TOPIC } from "./store_fixtures.ts";

const open = await serviceForTests("cassandra");
const guarded = Deno.env.get("CASSANDRA_CONTACT_POINTS") === undefined ? await serviceForTests("cassandra-auth") : null;
const PASSWORD = "not the password of anybody";

function configOf(cassandra: Readonly<Record<string, unknown>>, data = "./data") {
  return configSchema.parse({
    data,
    cassandra: { keyspace: `access_${crypto.randomUUID().slice(0, 8)}`, ...cassandra },
  });
}

/** What opening the store with this configuration fails with. */
async function refusal(
  cassandra: Readonly<Record<string, unknown>>,
): Promise<Pick<MillraceError, "code" | "message" | "remedy"> & { readonly notices: readonly string[] }> {
  const notices: string[] = [];
  const error = await openStore("cassandra", configOf(cassandra), (text) => notices.push(text)).then(
    async (store) => {
      await store.close();
      return null;
    },
    (thrown) => thrown,
  );
  if (!(error instanceof MillraceError)) throw new Error(`expected a refusal, found ${error}`);
  const { code, message, remedy } = error;
  expect(JSON.stringify({ message, remedy, notices })).not.toContain(PASSWORD);
  return { code, message, remedy, notices };
}

async function usingClient(keyspace: string, use: (run: (query: string) => Promise<unknown>) => Promise<void>) {
  const client = new Client({ contactPoints: open?.contactPoints.split(","), localDataCenter: "datacenter1" });
  try {
    await use((query) => client.execute(query.replaceAll("$K", keyspace)));
  } finally {
    await client.shutdown();
  }
}

Deno.test({
  name: "a Cassandra that is not there is tried for a while, and named with its setting",
  fn: async () => {
    const { code, message, notices } = await refusal({ contactPoints: ["127.0.0.1:1"], requestTimeoutMs: 500 });
    expect(code).toBe("UNREACHABLE");
    for (const text of [message, ...notices]) {
      expect(text).toContain("127.0.0.1:1");
      expect(text).toContain("cassandra.contactPoints");
    }
    expect(notices).toHaveLength(1);
  },
});

Deno.test({
  name: "a data centre that there is not is a mistake in the configuration",
  ignore: open === null,
  fn: async () => {
    const { code, message } = await refusal({ contactPoints: [open?.contactPoints], localDataCenter: "elsewhere" });
    expect(code).toBe("INVALID_CONFIG");
    expect(message).toContain("cassandra.localDataCenter: elsewhere");
    expect(message).toContain("datacenter1");
  },
});

Deno.test({
  name: "a wrong password, or none, is refused at once and never printed",
  ignore: guarded === null,
  fn: async () => {
    const contactPoints = [guarded?.contactPoints];
    const wrong = await refusal({ contactPoints, username: "cassandra", password: PASSWORD });
    expect([wrong.code, wrong.notices]).toEqual(["REFUSED", []]);
    expect(wrong.remedy).toContain("cassandra.username");
    const none = await refusal({ contactPoints });
    expect([none.code, none.notices]).toEqual(["REFUSED", []]);
    expect(none.remedy).toContain("set cassandra.username");
  },
});

Deno.test({
  name: "with the right password, from a file, the store works",
  ignore: guarded === null,
  fn: async () => {
    const data = await Deno.makeTempDir({ prefix: "millrace-access-" });
    const passwordFile = `${data}/password`;
    await Deno.writeTextFile(passwordFile, `${guarded?.password}\n`);
    const config = configOf({ contactPoints: [guarded?.contactPoints], username: guarded?.user, passwordFile }, data);
    const store = await openStore("cassandra", config);
    try {
      expect(await store.flush(flushOf({ events: [eventOf(1, 0)] }))).toEqual({ kind: "applied" });
      expect(await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10 })).toHaveLength(1);
    } finally {
      await store.close();
      await Deno.remove(data, { recursive: true });
    }
  },
});

Deno.test({
  name: "tables are made by one of many that migrate at once, and the others find them",
  ignore: open === null,
  fn: async () => {
    const config = configOf({ contactPoints: [open?.contactPoints] });
    const said = await Promise.all(Array.from({ length: 4 }, () => migrateStore(config, () => {})));
    expect(said.filter((text) => text.startsWith("made "))).toHaveLength(1);
    expect(said.filter((text) => text.includes("nothing to do"))).toHaveLength(3);
    expect(await migrateStore(config, () => {})).toContain("nothing to do");
    await usingClient(config.cassandra.keyspace, (run) => run("DROP KEYSPACE $K").then(() => {}));
  },
});

Deno.test({
  name: "tables of a newer version, and missing ones that may not be made, are refused with what to do",
  ignore: open === null,
  fn: async () => {
    const contactPoints = [open?.contactPoints];
    const missing = await refusal({ contactPoints, createSchema: false });
    expect([missing.code, missing.remedy]).toEqual(["REFUSED", "run: deno task migrate"]);
    const config = configOf({ contactPoints });
    const { keyspace } = config.cassandra;
    await migrateStore(config, () => {});
    await usingClient(keyspace, async (run) => {
      await run("UPDATE $K.meta SET value = 1000 WHERE name = 'version' IF EXISTS");
      for (const createSchema of [true, false]) {
        const newer = await refusal({ contactPoints, keyspace, createSchema });
        expect([newer.code, newer.message.includes("1000")]).toEqual(["NEWER_DATA", true]);
      }
      await run("DROP KEYSPACE $K");
    });
  },
});
