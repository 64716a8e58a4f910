/** Final minutes as CSV files, from the real log and store, against a plain recount. */
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { Store } from "../../core/store/ports.ts";
import { openStore } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";
import { CsvFiles } from "../../engine/publishing/csv_files.ts";

const START_MS = Date.UTC(2026, 0, 1, 10);
const encoder = new TextEncoder();

interface Bench {
  readonly store: Store;
  readonly topic: Topic;
  readonly directory: string;
  readonly notices: string[];
  /** Events at so many seconds after 10:00, stored when this resolves. */
  write(partition: number, events: readonly (readonly [second: number, service: string])[]): Promise<void>;
  /** Another process, as after a restart. */
  writer(clock?: { ms: number }, store?: Partial<Store>, retentionMs?: number): CsvFiles;
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-csv-" });
  const config = configSchema.parse({ data, engine: { workers: 1, flushIntervalMs: 50, latenessSeconds: 30 } });
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  const store = await openStore("duckdb", config);
  const topic = await log.createTopic("shop", { partitions: 2, format: "json" });
  const engine = await startEngine({
    config,
    log,
    membership: new SoleMembership(log, () => {}),
    store,
    onNotice: () => {},
  });
  const notices: string[] = [];
  const directory = `${data}/csv`;
  try {
    await run({
      store,
      topic,
      directory,
      notices,
      async write(partition, events) {
        const writer = new TopicWriter(log, topic, { firstPartition: partition });
        for (const [second, service] of events) {
          const timestamp = new Date(START_MS + second * 1000).toISOString();
          await writer.write(encoder.encode(JSON.stringify({ timestamp, level: "INFO", service })), Date.now());
        }
        await writer.flush();
        const { end } = (await log.ends(topic))[partition];
        while ((await store.readPartition(topic.id, partition)).checkpoint < end) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
      writer: (clock = { ms: 0 }, changed = {}, retentionMs = 0) =>
        new CsvFiles({
          directory,
          retentionMs,
          log,
          store: { ...bound(store), ...changed },
          topics: () => [topic],
          now: () => clock.ms,
          onNotice: (text) => notices.push(text),
        }),
    });
  } finally {
    await engine.stop();
    await log.close();
    await store.close();
    await Deno.remove(data, { recursive: true });
  }
}

function bound(store: Store): ConstructorParameters<typeof CsvFiles>[0]["store"] {
  return {
    get: (key) => store.get(key),
    compareAndSet: (...args) => store.compareAndSet(...args),
    partitions: (id) => store.partitions(id),
    unitVersions: (id) => store.unitVersions(id),
    export: (query) => store.export(query),
  };
}

/** Every file below a directory, with rows of "minute or hour, service, count". */
async function filesOf(directory: string): Promise<Record<string, string[]>> {
  const files: Record<string, string[]> = {};
  const walk = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(`${directory}/${path}`)) {
      if (isDirectory) await walk(`${path}/${name}`);
      else files[`${path}/${name}`] = rowsOf(await Deno.readTextFile(`${directory}/${path}/${name}`));
    }
  };
  for await (const { name } of Deno.readDir(directory)) await walk(name);
  return files;
}

/** The values of these tests hold no commas and no quotes. */
function rowsOf(text: string): string[] {
  const [head, ...lines] = text.replace(/^\ufeff/, "").trimEnd().split(/\r?\n/).map((line) => line.split(","));
  const at = (name: string) => head.indexOf(name);
  const when = Math.max(at("minute"), at("hour"));
  return lines.map((line) => `${line[when].slice(11, 16)} ${line[at("service")]} ${line[at("count")]}`).sort();
}

const MINUTES = "aggregated_logs/shop/2026-01-01/10.csv";
const HOUR = "processed_logs_hourly/shop/2026-01-01/10.csv";

Deno.test("csv: minutes are in their hour's file as they become final, and the hour in one once all are", async () => {
  await withBench(async ({ directory, notices, write, writer }) => {
    const clock = { ms: 0 };
    const files = writer(clock);
    await write(0, [[5, "a"], [65, "a"], [66, "b"], [210, "a"]]);
    await write(1, [[7, "a"], [61, "a"], [215, "b"]]);
    await files.tick();
    expect(await filesOf(directory)).toEqual({ [MINUTES]: ["10:00 a 2", "10:01 a 2", "10:01 b 1"] });
    // Both partitions are past 11:00, less 30 seconds.
    await write(0, [[3635, "a"]]);
    await write(1, [[3636, "c"]]);
    await files.tick();
    const whole = ["10:00 a 2", "10:01 a 2", "10:01 b 1", "10:03 a 1", "10:03 b 1"];
    expect(await filesOf(directory)).toEqual({ [MINUTES]: whole, [HOUR]: ["10:00 a 5", "10:00 b 2"] });
    // Three minutes late, an hour ago.
    await write(1, [[8, "a"]]);
    clock.ms += 60_000;
    await files.tick();
    expect(await filesOf(directory)).toEqual({
      [MINUTES]: ["10:00 a 3", ...whole.slice(1)],
      [HOUR]: ["10:00 a 6", "10:00 b 2"],
    });
    expect(notices).toEqual([]);
  });
});

Deno.test("csv: a restart writes nothing again, and takes no final minute back", async () => {
  await withBench(async ({ directory, write, writer, store }) => {
    await write(0, [[5, "a"], [65, "a"]]);
    await write(1, [[6, "a"], [125, "a"]]);
    const clock = { ms: 0 };
    const files = writer(clock);
    await files.tick();
    clock.ms += 61_000; // nothing comes any more: what is there is all there is
    await files.tick();
    const whole = { [MINUTES]: ["10:00 a 2", "10:01 a 1", "10:02 a 1"], [HOUR]: ["10:00 a 4"] };
    expect(await filesOf(directory)).toEqual(whole);
    let exports = 0;
    const counting: Partial<Store> = {
      export: (query) => {
        exports++;
        return store.export(query);
      },
    };
    await writer({ ms: 0 }, counting).tick();
    expect([exports, await filesOf(directory)]).toEqual([0, whole]);
  });
});

Deno.test("csv: what a crash interrupted, at any step, is there once and whole after the next start", async () => {
  for (let step = 0; step < 6; step++) {
    await withBench(async ({ directory, write, writer, store }) => {
      await write(0, [[5, "a"], [3635, "a"]]);
      await write(1, [[6, "b"], [3635, "a"]]);
      let steps = 0;
      const dies = () => {
        if (steps++ === step) throw new Error("killed here");
      };
      const dying: Partial<Store> = {
        export: async (query) => {
          dies();
          const { stream, ...rest } = await store.export(query);
          const broken = stream.pipeThrough(
            new TransformStream({
              flush: dies,
            }),
          );
          return { ...rest, stream: broken };
        },
        compareAndSet: async (...args) => {
          dies();
          return await store.compareAndSet(...args);
        },
      };
      await writer({ ms: 0 }, dying).tick();
      await writer().tick();
      expect([step, await filesOf(directory)]).toEqual([step, {
        [MINUTES]: ["10:00 a 1", "10:00 b 1"],
        [HOUR]: ["10:00 a 1", "10:00 b 1"],
      }]);
    });
  }
});

Deno.test("csv: where two write the same hour, the files are those of what is stored", async () => {
  await withBench(async ({ directory, write, writer, store }) => {
    await write(0, [[5, "a"], [3635, "a"]]);
    await write(1, [[6, "b"], [3635, "a"]]);
    let isFirst = true;
    const slow: Partial<Store> = {
      // Has read, and is overtaken by late events and another writer before it puts its file.
      export: async (query) => {
        const { stream, ...rest } = await store.export(query);
        if (!isFirst) return { ...rest, stream };
        isFirst = false;
        const text = await new Response(stream).bytes();
        await write(1, [[9, "b"]]);
        await writer().tick();
        return { ...rest, stream: new Response(text).body ?? stream };
      },
    };
    await writer({ ms: 0 }, slow).tick();
    expect(await filesOf(directory)).toEqual({
      [MINUTES]: ["10:00 a 1", "10:00 b 2"],
      [HOUR]: ["10:00 a 1", "10:00 b 2"],
    });
  });
});

Deno.test("csv: old files are deleted, and not made again; what a crash left goes", async () => {
  await withBench(async ({ directory, write, writer }) => {
    await write(0, [[5, "a"], [3635, "a"]]);
    await write(1, [[6, "b"], [3635, "a"]]);
    await writer().tick();
    const old = new Date(Date.now() - 2 * 86_400_000);
    const left = `${directory}/aggregated_logs/shop/2026-01-01/.left.part`;
    await Deno.writeTextFile(left, "half a li");
    for (const path of [`${directory}/${MINUTES}`, left]) await Deno.utime(path, old, old);
    const files = writer({ ms: 0 }, {}, 86_400_000);
    await files.tick();
    await files.tick();
    expect(Object.keys(await filesOf(directory))).toEqual([HOUR]);
  });
});

Deno.test("csv: a directory that cannot be written is told once, with its name, and tried again", async () => {
  await withBench(async ({ directory, notices, write, writer }) => {
    await Deno.writeTextFile(directory, "a file");
    await write(0, [[5, "a"], [3635, "a"]]);
    await write(1, [[6, "b"], [3635, "a"]]);
    const files = writer();
    await files.tick();
    await files.tick();
    expect(notices.length).toBe(1);
    expect(notices[0]).toContain(directory);
    await Deno.remove(directory);
    await files.tick();
    expect(Object.keys(await filesOf(directory)).sort()).toEqual([MINUTES, HOUR]);
    expect(notices.length).toBe(2);
  });
});
