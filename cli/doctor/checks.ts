/** The checks of `doctor`, in the order in which a start would come upon them. */
import { statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bodyOf } from "../../core/archive/archive.ts";
import { archiveLocation, openArchive } from "../../core/archive/registry.ts";
import type { ConfigFlag, TracedConfig } from "../../core/config/load.ts";
import { type Config, configSchema } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { configure } from "../configuration.ts";
import { formatBytes, formatPlural } from "../format.ts";
import { type CheckedSchedule, checkSchedules, SCHEDULE_REMEDY } from "../supervise/schedule_checks.ts";
import { findGateway, type RunningGateway } from "../running.ts";
import { type Check, check, fail, ok, warn } from "./check.ts";

const DENO_TESTED = [2, 9, 6];
const FREE_BYTES_FAIL = 64e6;
const FREE_BYTES_WARN = 2e9;
const MEMORY_BYTES_WARN = 512e6;

/** Runs all checks. `file` is what --config names. Nothing is left behind but a data directory that was asked for. */
export async function runChecks(file: string | undefined, flags: readonly ConfigFlag[]): Promise<Check[]> {
  let traced: TracedConfig | null = null;
  const checks = [
    await check("deno", checkDeno),
    await check("machine", checkMachine),
    await check("clock", checkClock),
    await check("configuration", () => {
      traced = configure(file, flags);
      return ok(file ?? "valid");
    }),
  ];
  const schedules = traced === null ? [] : checkSchedules(traced, Date.now());
  if (schedules.length > 0) checks.push(await check("schedules", () => checkedSchedules(schedules)));
  const config = configOf(traced);
  const running = await findGateway(config.data);
  checks.push(
    await check("DuckDB", checkDuckDb),
    await check("checksums", checkChecksums),
    await check("directory", () => checkDirectory(config.data)),
    await check("space", () => checkSpace(config.data)),
    await check("data", () => checkData(config, running)),
    ...(archiveLocation(config) === null ? [] : [await check("archive", () => checkArchive(config))]),
    await check("port", () => checkPort(config, running)),
  );
  return checks;
}

/** Where the configuration is refused, the rest is checked with the defaults. */
function configOf(traced: TracedConfig | null): Config {
  return traced?.config ?? configSchema.parse({});
}

function checkDeno() {
  const version = Deno.version.deno;
  const numbers = version.split(".").map(Number);
  const firstDifference = DENO_TESTED.findIndex((tested, index) => numbers[index] !== tested);
  if (firstDifference < 0 || numbers[firstDifference] > DENO_TESTED[firstDifference]) return ok(version);
  const tested = DENO_TESTED.join(".");
  return warn(`${version}, older than ${tested}`, `deno upgrade ${tested}, or npx -y deno@${tested} task dev`);
}

function checkMachine() {
  const { total, available } = Deno.systemMemoryInfo();
  const cores = formatPlural(navigator.hardwareConcurrency, "core");
  const message = `${cores}, ${formatBytes(available)} of ${formatBytes(total)} memory available`;
  if (available >= MEMORY_BYTES_WARN) return ok(message);
  return warn(message, "end other programs, or lower store.memoryBytes and engine.workers");
}

function checkedSchedules(schedules: readonly CheckedSchedule[]) {
  const faults = schedules.flatMap((schedule) => schedule.faults);
  return faults.length > 0 ? fail(faults.join("\n"), SCHEDULE_REMEDY) : ok(formatPlural(schedules.length, "schedule"));
}

/** Minutes, retention and lag all lean on it. */
function checkClock() {
  const now = new Date();
  const message = `${now.toISOString()}, zone ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
  const year = now.getUTCFullYear();
  return year >= 2026 && year < 2100 ? ok(message) : fail(message, "set the clock: retention would delete by it");
}

async function checkDuckDb() {
  try {
    const { DuckDBInstance, version } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run("select 1");
    connection.closeSync();
    instance.closeSync();
    return ok(version());
  } catch (error) {
    return fail(`its library does not load: ${messageOf(error)}`, "remove node_modules, then: deno install");
  }
}

async function checkChecksums() {
  const { isCrc32cNative } = await import("../../core/log/crc32c.ts");
  if (isCrc32cNative) return ok("CRC32C by the processor");
  return warn("CRC32C in JavaScript, several times slower", "remove node_modules, then: deno install");
}

async function checkDirectory(directory: string) {
  const path = resolve(directory);
  try {
    await Deno.mkdir(path, { recursive: true });
    const probe = join(path, `.doctor-${Deno.pid}`);
    await Deno.writeTextFile(probe, "");
    await Deno.remove(probe);
    return ok(path);
  } catch (error) {
    return fail(`${path}: ${messageOf(error)}`, "choose a directory that this user may write: --data DIR");
  }
}

async function checkSpace(directory: string) {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const message = `${formatBytes(free)} free`;
  const remedy = "make room, or shorten log.retentionHours and store.eventsRetentionDays";
  if (free < FREE_BYTES_FAIL) return fail(message, remedy);
  return free < FREE_BYTES_WARN ? warn(message, remedy) : ok(message);
}

/** Opens log and store as a start would: their versions, and whether they can be read. */
async function checkData(config: Config, running: RunningGateway | null) {
  if (running !== null) return ok(`in use (process ${running.pid}) at ${running.url}`);
  const { openData } = await import("../data.ts");
  try {
    const data = await openData(config, () => {});
    try {
      const topics = formatPlural((await data.log.listTopics()).length, "topic");
      const { brokers } = config.kafka;
      return ok(brokers.length === 0 ? `${topics}, not in use` : `${topics} at ${brokers.join(", ")}`);
    } finally {
      await data.close();
    }
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== "DATA_LOCKED") throw error;
    return warn(error.message, "if that process is not starting or stopping right now, stop it");
  }
}

/** Writes, reads and deletes a file, as an engine and a gateway would. */
async function checkArchive(config: Config) {
  const archive = await openArchive(config);
  if (archive === null) return ok("none");
  const key = `.doctor/${crypto.randomUUID()}.txt`;
  const copy = await Deno.makeTempFile();
  try {
    await archive.put(key, bodyOf([new TextEncoder().encode("millrace")]));
    await Deno.remove(copy);
    if (!await archive.fetch(key, copy)) throw new Error(`${key} was written and is not there`);
    await archive.remove([key]);
    return ok(archive.location);
  } catch (error) {
    return fail(
      `${archive.location}: ${messageOf(error)}`,
      "check archive.location, its endpoint and region, and that these keys may write, read, list and delete there",
    );
  } finally {
    await Deno.remove(copy).catch(() => {});
    archive.close();
  }
}

function checkPort({ gateway: { host, port } }: Config, running: RunningGateway | null) {
  const address = `${host}:${port}`;
  if (running !== null && new URL(running.url).port === String(port)) return ok(`${address}, held by that process`);
  try {
    Deno.listen({ hostname: host, port }).close();
    return ok(`${address} is free`);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      return fail(`${address} is taken`, "stop what listens there, or choose another: --port N (0: any free one)");
    }
    return fail(`${address}: ${messageOf(error)}`, "choose another address or port: --host ADDRESS, --port N");
  }
}
