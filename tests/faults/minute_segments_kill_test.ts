/**
 * kill -9 of a process whose flushes become segments of minutes, which it takes into the table all the time: what it had
 * answered is there, and every record once. Repeat: SEED=123 KILLS=20 deno task test tests/faults/minute_segments_kill_test.ts
 */
import { expect } from "expect";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import { EVER, MINUTE_MS, START_MINUTE, storedCounts, TOPIC } from "../contract/store_fixtures.ts";
import { canRunPrograms } from "../program_process.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { flushedEvent } from "./flushed_events.ts";

const KILLS = Number(Deno.env.get("KILLS") ?? 8);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);

/** Kills the process after so many more answers; answers the offset of the last. */
async function flushAndKill(directory: string, answers: number): Promise<number> {
  const script = new URL("./flushing_process.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "-q", script, directory],
    stdout: "piped",
  }).spawn();
  let printed = "";
  let isKilled = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (printed.split("\n").length > answers && !isKilled) {
      child.kill("SIGKILL");
      isKilled = true;
    }
  }
  await child.status;
  if (!isKilled) throw new Error(`it ended by itself after ${printed}`);
  const whole = printed.slice(0, printed.lastIndexOf("\n")).split("\n");
  return Number(whole[whole.length - 1]);
}

Deno.test({
  name:
    `after ${KILLS} kills while minutes are written to segments and taken from them each record is there once (seed ${SEED})`,
  ignore: !canRunPrograms,
  fn: async () => {
    const random = randomFrom(SEED);
    const directory = await Deno.makeTempDir({ prefix: "millrace-minute-segments-" });
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const answered = await flushAndKill(directory, 1 + Math.floor(random() * 60));
        const store = await openDuckDbStore({
          directory,
          memoryBytes: 128 * 1_048_576,
          threads: 1,
          minuteSegments: { rowsMin: 20, quietMs: random() < 0.5 ? 1 : 1_000_000 },
          onNotice: (text) => expect(text).toBe(""), // no segment is missing
        });
        const { checkpoint } = await store.readPartition(TOPIC, 0);
        expect(checkpoint).toBeGreaterThanOrEqual(answered);
        const counts: Record<string, number> = {};
        let sum = 0;
        for (let offset = 0; offset < checkpoint; offset++) {
          const { micros, fields, measures } = flushedEvent(offset);
          const key = `${micros / 1000 / MINUTE_MS - START_MINUTE}|${fields.service}`;
          counts[key] = (counts[key] ?? 0) + 1;
          sum += measures.response_time ?? NaN;
        }
        expect(await storedCounts(store)).toEqual(counts);
        expect(await store.countStored(TOPIC)).toEqual([{ partition: 0, count: checkpoint }]);
        const range = { topicId: TOPIC, range: EVER, stepMinutes: 1_000_000_000, where: [], by: [], seriesMax: 1 };
        const { series } = await store.series({ ...range, statistic: "sum", measure: "response_time" });
        expect(series.flatMap(({ points }) => points.map(([, value]) => value))).toEqual([sum / 1000]);
        await store.close();
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
