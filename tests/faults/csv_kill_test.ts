/**
 * kill -9 of `dev` while it writes CSV files: at every moment each file is whole, and in the end they have every record
 * once. Repeat: SEED=123 CSV_KILLS=10 deno task test tests/faults/csv_kill_test.ts
 */
import { expect } from "expect";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { eventually, startDev } from "./dev_process.ts";

const KILLS = Number(Deno.env.get("CSV_KILLS") ?? 5);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
const START_MS = Date.UTC(2026, 0, 1, 10);
const MINUTE_MS = 60_000;
/** Minutes of event time that a batch goes on by; a fifth of its records are of earlier ones. */
const STEP_MINUTES = 2;

const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

type Counts = Map<string, number>;
const add = (counts: Counts, key: string, count: number) => counts.set(key, (counts.get(key) ?? 0) + count);

/** "2026-01-01T10:05 service" → count, over all files of a folder; throws where one is not whole. */
async function read(folder: string, timeLength: number): Promise<Counts> {
  const counts: Counts = new Map();
  for (const path of await filesIn(folder)) {
    const text = await Deno.readTextFile(path);
    if (!text.endsWith("\n")) throw new Error(`${path} is cut short`);
    const [head, ...lines] = text.trimEnd().split(/\r?\n/).map((line) => line.split(","));
    const at = (name: string) => head.indexOf(name);
    const when = Math.max(at("minute"), at("hour"));
    for (const line of lines) {
      if (line.length !== head.length) throw new Error(`${path} has a line of ${line.length} values`);
      const time = line[when].replace(" ", "T").slice(0, timeLength);
      add(counts, `${time} ${line[at("service")]}`, Number(line[at("count")]));
    }
  }
  return counts;
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) found.push(...await filesIn(`${folder}/${name}`));
      else if (name.endsWith(".csv")) found.push(`${folder}/${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

Deno.test({
  name: `csv files are whole through ${KILLS} kills, and have every record once in the end (seed ${SEED})`,
  ignore: !canRun,
  fn: async () => {
    const random = randomFrom(SEED);
    const data = await Deno.makeTempDir({ prefix: "millrace-csv-kill-" });
    const directory = `${data}/csv`;
    const options = {
      data,
      flags: ["--no-generator", "--workers", "1"],
      env: { MILLRACE_CSV_DIRECTORY: directory, MILLRACE_ENGINE_LATENESS_SECONDS: "10" },
    };
    const truth: Counts = new Map();
    let minute = 0;
    const send = async (url: string): Promise<void> => {
      const records = Array.from({ length: 100 }, (_, i) => {
        const earlier = i % 5 === 0 ? Math.floor(random() * Math.min(minute + 1, 30)) : 0;
        const atMs = START_MS + (minute - earlier) * MINUTE_MS + Math.floor(random() * STEP_MINUTES * MINUTE_MS);
        return { timestamp: new Date(atMs).toISOString(), level: "INFO", service: `s${i % 3}` };
      });
      minute += STEP_MINUTES;
      const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
      // Answered, so durable: a kill comes only between two of these.
      const response = await fetch(`${url}/ingest/v1/shop?partitions=1`, { method: "POST", body });
      expect([response.status, await response.text()]).toEqual([response.status, expect.any(String)]);
      expect(response.ok).toBe(true);
      for (const { timestamp, service } of records) add(truth, `${timestamp.slice(0, 16)} ${service}`, 1);
    };
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const dev = await startDev(options);
        for (let batch = 0; batch < 15; batch++) {
          await send(dev.url);
          await new Promise((resolve) => setTimeout(resolve, 50 + random() * 200));
        }
        dev.kill("SIGKILL");
        await dev.ended;
        for (const [key, count] of await read(`${directory}/aggregated_logs`, 16)) {
          expect({ key, isMore: count > (truth.get(key) ?? 0) }).toEqual({ key, isMore: false });
        }
      }
      const dev = await startDev(options);
      // Past the next hour's beginning: all hours with records are final.
      const endMs = START_MS + (Math.ceil((minute + STEP_MINUTES) / 60) * 60 + 1) * MINUTE_MS;
      const last = { timestamp: new Date(endMs).toISOString(), level: "INFO", service: "end" };
      await (await fetch(`${dev.url}/ingest/v1/shop`, { method: "POST", body: JSON.stringify(last) + "\n" })).text();
      const hours: Counts = new Map();
      for (const [key, count] of truth) add(hours, `${key.slice(0, 13)} ${key.split(" ")[1]}`, count);
      const sum = (counts: Counts) =>
        [...counts].reduce((total, [key, count]) => total + (key.endsWith(" end") ? 0 : count), 0);
      // Both: what comes late between the two files of an hour is in the second, and in the first after another look.
      await eventually("all are in the files", async () => {
        const written = [
          await read(`${directory}/aggregated_logs`, 16),
          await read(`${directory}/processed_logs_hourly`, 13),
        ];
        return written.every((counts) => sum(counts) >= sum(truth));
      }, 180_000);
      dev.kill("SIGTERM");
      expect(await dev.ended).toMatchObject({ code: 0 });
      // The last record's own minute and hour become final where the partition counts as idle by then.
      const withoutEnd = (counts: Counts) => new Map([...counts].filter(([key]) => !key.endsWith(" end")));
      expect(withoutEnd(await read(`${directory}/aggregated_logs`, 16))).toEqual(truth);
      expect(withoutEnd(await read(`${directory}/processed_logs_hourly`, 13))).toEqual(hours);
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});
