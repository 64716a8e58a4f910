/** Asks a gateway how it is, and prints it. */
import { z } from "zod";
import type { Config } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { formatCount, formatDuration, formatPlural } from "../format.ts";
import { refusal, unreachable } from "../gateway_client.ts";
import { findGateway } from "../running.ts";
import type { Terminal } from "../terminal.ts";
import { failingPrograms } from "./failing_programs.ts";

const TIMEOUT_MS = 10_000;
const RUNS_SHOWN = 10;

const readiness = z.object({ status: z.string(), reasons: z.array(z.string()) });
const statusShape = z.object({
  version: z.string(),
  log: z.string(),
  store: z.string(),
  engine: z.object({ isHealthy: z.boolean(), workers: z.array(z.unknown()) }).nullable(),
});
const topicsShape = z.object({
  topics: z.array(z.object({
    name: z.string(),
    lagRecords: z.number(),
    lagSeconds: z.number(),
    totals: z.object({ consumed: z.number(), unparsed: z.number() }),
  })),
});
const runsShape = z.object({
  runs: z.array(z.object({
    name: z.string(),
    kind: z.string(),
    status: z.string(),
    started: z.string(),
    ended: z.string().nullable(),
    code: z.number().nullable(),
    tail: z.string(),
  })),
});

/** Answers the exit status: 0 where all can do its work. Throws UNREACHABLE or REFUSED. */
export async function printStatus(config: Config, given: string | null, terminal: Terminal): Promise<number> {
  const url = given ?? (await findGateway(config.data))?.url ?? `http://127.0.0.1:${config.gateway.port}`;
  const ready = readiness.parse(await ask(url, "/readyz", true));
  const { version, log, store, engine } = statusShape.parse(await ask(url, "/api/v1/status"));
  const workers = engine === null ? "engines elsewhere" : `${formatPlural(engine.workers.length, "worker")} here`;
  terminal.out(`${url}: ${ready.status}; Millrace ${version}, log ${log}, store ${store}, ${workers}\n`);
  const { runs } = runsShape.parse(await ask(url, "/api/v1/runs"));
  const failing = failingPrograms(runs, Date.now()).map((name) =>
    `the program ${name} has ended and does not run again yet`
  );
  for (const reason of [...ready.reasons, ...failing]) terminal.out(`  not ready: ${reason}\n`);
  for (const { name, lagRecords, lagSeconds, totals } of topicsShape.parse(await ask(url, "/api/v1/topics")).topics) {
    terminal.out(
      `  topic ${name}: ${formatPlural(totals.consumed, "record")}, ${formatCount(totals.unparsed)} unparsed, lag ` +
        `${formatCount(lagRecords)}${lagRecords === 0 ? "" : ` (${lagSeconds.toFixed(1)} s)`}\n`,
    );
  }
  for (const run of shown(runs)) printRun(run, terminal);
  return ready.reasons.length + failing.length === 0 ? 0 : 1;
}

type ShownRun = z.infer<typeof runsShape>["runs"][number];

/** The last ones, and the last of each program and schedule, however long ago: newest first, as they come. */
function shown(runs: readonly ShownRun[]): ShownRun[] {
  const seen = new Set<string>();
  return runs.filter(({ kind, name }, i) => {
    const key = `${kind} ${name}`;
    const isLast = !seen.has(key);
    seen.add(key);
    return isLast || i < RUNS_SHOWN;
  });
}

function printRun(run: ShownRun, terminal: Terminal): void {
  const { name, kind, status, started, ended, code, tail } = run;
  const lasted = ended === null ? "" : ` after ${formatDuration(Date.parse(ended) - Date.parse(started))}`;
  const how = status === "failed" ? `failed with ${code ?? "a signal"}` : status;
  terminal.out(`  ${kind} ${name}: ${how}${lasted}, started ${started}\n`);
  const lines = tail.trim().split("\n");
  const last = lines.findLast((line) => line.startsWith("error:")) ?? lines.at(-1) ?? "";
  if (status === "failed" && last !== "") terminal.out(`    ${last}\n`);
}

async function ask(url: string, path: string, is503Fine = false): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw unreachable(url, error);
  }
  if (!response.ok && !(is503Fine && response.status === 503)) throw (await refusal(response, `GET ${path}`)).error;
  const answer: unknown = await response.json().catch(() => null);
  if (answer === null) {
    throw new MillraceError("REFUSED", `GET ${path}: no JSON came back`, "check the address (--url)");
  }
  return answer;
}
