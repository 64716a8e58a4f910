/** What questions have loaded ahead in the background, and what writes make of it. */
import { expect } from "expect";
import { DuckDbConnections } from "./duckdb_connections.ts";
import { MinuteQueries } from "./duckdb_queries.ts";
import { SCHEMA } from "./duckdb_schema.ts";

const TOPIC = "topic";
const HOUR_MS = 3_600_000;
/** The end of the minutes that the store has. */
const END_MS = Date.UTC(2026, 0, 3);
const HOURS = 30;

/** Minutes of two cells each, and how many snapshots were read. */
async function withMinutes(check: (minutes: MinuteQueries, reads: () => number) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-queries-" });
  const connections = await DuckDbConnections.open({
    path: `${directory}/store.duckdb`,
    allowedDirectories: [],
    checkpointBytes: Infinity,
    settings: { threads: "1" },
  });
  const awake = setInterval(() => {}, 1000); // rests in the background keep no process alive
  let reads = 0;
  const minutes = new MinuteQueries(connections, 100_000_000, (task) => {
    reads++;
    return connections.read(task);
  });
  try {
    await connections.write(async (connection) => {
      await connection.run(SCHEMA);
      await connection.run(
        `INSERT INTO minutes BY NAME SELECT '${TOPIC}' AS topic_id, 0 AS part, ${END_MS / 60_000} - 1 - m AS minute,
           0 AS from_offset, 'service-' || c AS service, 'INFO' AS level, '' AS method, '' AS endpoint, '' AS status,
           '' AS host, '' AS event_type, '' AS currency, 1 AS count, 0 AS errors
         FROM range(${HOURS * 60}) AS minutes(m) CROSS JOIN range(2) AS cells(c)`,
      );
    });
    await check(minutes, () => reads);
  } finally {
    clearInterval(awake);
    await minutes.stop();
    await connections.close();
    await Deno.remove(directory, { recursive: true });
  }
}

async function countOf(minutes: MinuteQueries, hours: number): Promise<number> {
  const range = { fromMs: END_MS - hours * HOUR_MS, toMs: END_MS };
  return (await minutes.summary({ topicId: TOPIC, range, where: [], apisMax: 10 })).totals.count;
}

Deno.test("a day is held once an hour was asked about, and again after what may have changed all of it", async () => {
  await withMinutes(async (minutes, reads) => {
    const isDayHeld = async () => {
      expect(await countOf(minutes, 1)).toBe(120);
      await minutes.settled();
      const before = reads();
      expect(await countOf(minutes, 24)).toBe(2880);
      return reads() === before;
    };
    expect(await isDayHeld()).toBe(true);
    for (const change of [null, [{ topicId: TOPIC }]]) {
      await minutes.change(change, () => Promise.resolve());
      expect(await isDayHeld()).toBe(true);
    }
    // A flush changes some minutes: these alone are read again.
    const last = END_MS / 60_000 - 1;
    const flush = (count: number) =>
      minutes.change([{ topicId: TOPIC, minutes: [last] }], async (connection) => {
        await connection.run(`UPDATE minutes SET count = ${count} WHERE minute = ${last}`);
      });
    await flush(6);
    const before = reads();
    expect(await countOf(minutes, 24)).toBe(2890);
    expect(reads() - before).toBeLessThan(3);
  });
});
