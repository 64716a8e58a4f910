/**
 * The archive in S3 under faults: kill -9 at random moments, and a service that answers errors and refuses expired keys for
 * as long as it likes. Every record is in exactly one file. Repeat: SEED=123 ARCHIVE_KILLS=20 deno task test tests/faults
 */
import { expect } from "expect";
import { z } from "zod";
import { openArchive } from "../../core/archive/registry.ts";
import { configSchema } from "../../core/config/schema.ts";
import { makeBucket, s3AccessForTests } from "../contract/archives_for_tests.ts";
import { startProgram } from "../program_process.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { type ArchivedRecord, readEverything } from "./archive_for_faults.ts";
import { eventually, startDev } from "./dev_process.ts";

const KILLS = Number(Deno.env.get("ARCHIVE_KILLS") ?? 6);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
const TOPIC = "orders";
const PARTITIONS = 3;

const moto = await s3AccessForTests("moto");
const s3proxy = await s3AccessForTests("s3proxy");

const topicAnswer = z.object({ lagRecords: z.number() });

/** Every 40th cannot be parsed; times spread over three hours. */
function recordOf(i: number, baseMs: number): string {
  if (i % 40 === 39) return `broken record ${i}`;
  const timestamp = new Date(baseMs - i * 7919 % (3 * 3_600_000)).toISOString();
  return JSON.stringify({ timestamp, level: i % 9 === 0 ? "ERROR" : "INFO", service: `service-${i % 5}`, i });
}

async function send(url: string, records: readonly string[]): Promise<void> {
  const response = await fetch(`${url}/ingest/v1/${TOPIC}?partitions=${PARTITIONS}`, {
    method: "POST",
    body: records.map((record) => record + "\n").join(""),
  });
  expect(response.status).toBe(200);
  await response.text();
}

async function areMinutesStored(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/v1/topics/${TOPIC}`);
  return answer.ok ? topicAnswer.parse(await answer.json()).lagRecords === 0 : (await answer.text(), false);
}

/** That these records are there once each, in the folder of their hour. */
function expectArchived(archived: readonly ArchivedRecord[], records: readonly string[]): void {
  const offsets = archived.map(({ partition, offset }) => `${partition}/${offset}`);
  expect(new Set(offsets).size).toBe(offsets.length);
  expect(archived.map(({ raw }) => raw).sort()).toEqual(records.toSorted());
  for (const { hour, ownHour, topic, table, raw } of archived) {
    expect({ raw, hour, topic, table }).toEqual({
      raw,
      hour: ownHour,
      topic: TOPIC,
      table: raw.startsWith("{") ? "events" : "quarantine",
    });
  }
}

function environment(archive: Readonly<Record<string, string>>): Record<string, string> {
  return {
    MILLRACE_ARCHIVE_SEGMENT_SECONDS: "1",
    // Files of all tries are to be seen.
    MILLRACE_ARCHIVE_MERGE_AFTER_SECONDS: "86400",
    MILLRACE_ARCHIVE_LOCATION: archive.location,
    MILLRACE_ARCHIVE_ENDPOINT: archive.endpoint,
    MILLRACE_ARCHIVE_ACCESS_KEY_ID: archive.accessKeyId,
    MILLRACE_ARCHIVE_SECRET_ACCESS_KEY: archive.secretAccessKey,
  };
}

/** Archives everything that is left, and reads what is there. */
async function finish(data: string, settings: Readonly<Record<string, string>>): Promise<ArchivedRecord[]> {
  const engine = await startProgram("engine", ["--until-end", "--data", data], environment(settings));
  const { code, stderr } = await engine.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  const archive = await openArchive(configSchema.parse({ archive: settings }));
  if (archive === null) throw new Error("no archive");
  const archived = await readEverything(archive);
  archive.close();
  return archived;
}

for (const [name, access] of [["moto", moto], ["S3Proxy", s3proxy]] as const) {
  Deno.test({
    name: `${name}: kill -9 while segments are put loses and doubles no archived record (SEED=${SEED})`,
    ignore: access === null,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      if (access === null) return;
      const random = randomFrom(SEED);
      const settings = { ...access, location: `s3://${await makeBucket(access)}/logs` };
      const archive = await openArchive(configSchema.parse({ archive: settings }));
      const countFiles = async () => archive === null ? 0 : (await Array.fromAsync(archive.list(""))).length;
      const data = await Deno.makeTempDir({ prefix: "millrace-archive-kill-" });
      const records: string[] = [];
      const baseMs = Date.now();
      try {
        for (let kill = 0; kill < KILLS; kill++) {
          const dev = await startDev({
            data,
            flags: ["--no-generator"],
            env: { ...environment(settings), MILLRACE_ENGINE_EVENTS: kill % 2 === 0 ? "archive" : "store" },
          });
          const before = await countFiles();
          const batch = Array.from({ length: 3_000 }, (_, k) => recordOf(records.length + k, baseMs));
          await send(dev.url, batch);
          records.push(...batch);
          // Somewhere between the first file of a range and the last, or a little later.
          const wanted = before + 1 + Math.floor(random() * 8);
          await eventually("files appear", async () => await countFiles() >= wanted || await areMinutesStored(dev.url));
          await new Promise((resolve) => setTimeout(resolve, random() * 1_500));
          dev.kill("SIGKILL");
          await dev.ended;
        }
        expectArchived(await finish(data, settings), records);
      } finally {
        archive?.close();
        await Deno.remove(data, { recursive: true });
      }
    },
  });
}

/** A service in front of another that fails as it is told to. */
class Outage implements AsyncDisposable {
  mode: "through" | "unavailable" | "expired" = "through";
  refused = 0;
  puts = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(target: string) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      if (this.mode !== "through") {
        this.refused++;
        await request.body?.cancel();
        return this.mode === "unavailable"
          ? new Response("the service is out of order", { status: 503 })
          : new Response("<Error><Code>ExpiredToken</Code><Message>The token has expired</Message></Error>", {
            status: 403,
            headers: { "content-type": "application/xml" },
          });
      }
      const { pathname, search } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.delete("host");
      const body = request.body === null ? null : await request.arrayBuffer();
      if (request.method === "PUT") this.puts++;
      return await fetch(`${target}${pathname}${search}`, { method: request.method, headers, body });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test({
  name: "an archive that answers errors, then refuses expired keys, keeps no minute waiting and loses no record",
  ignore: moto === null,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    if (moto === null) return;
    await using outage = new Outage(moto.endpoint);
    const settings = { ...moto, endpoint: outage.url, location: `s3://${await makeBucket(moto)}/logs` };
    const data = await Deno.makeTempDir({ prefix: "millrace-archive-outage-" });
    const records = Array.from({ length: 6_000 }, (_, i) => recordOf(i, Date.now()));
    try {
      const dev = await startDev({ data, flags: ["--no-generator"], env: environment(settings) });
      await send(dev.url, records.slice(0, 1_000));
      await eventually("all partitions are in the archive", () => Promise.resolve(outage.puts >= PARTITIONS));
      outage.mode = "unavailable";
      await send(dev.url, records.slice(1_000, 3_000));
      await eventually(
        "minutes are stored during the outage",
        async () => await areMinutesStored(dev.url) && outage.refused >= 10,
      );
      outage.mode = "expired";
      outage.refused = 0;
      await send(dev.url, records.slice(3_000));
      await eventually(
        "minutes are stored with expired keys",
        async () => await areMinutesStored(dev.url) && outage.refused >= 5,
      );
      outage.mode = "through";
      dev.kill("SIGTERM");
      const { output } = await dev.ended;
      expect(output).toMatch(/cannot write .* in bucket test-.*status 503/);
      expect(output).toMatch(/cannot \w+ .* in bucket test-.*status 403: ExpiredToken: The token has expired/);
      expect(output).not.toContain(moto.secretAccessKey);
      expectArchived(await finish(data, settings), records);
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});
