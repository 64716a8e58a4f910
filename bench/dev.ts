/**
 * `dev` under load: 20 000 events/s from its generator, all stored. Does it keep up, how much memory does it hold, and
 * how soon is a record that was just ingested seen through the API?
 */
import { z } from "zod";
import { startDev } from "../tests/faults/dev_process.ts";

const RATE = 20_000;
const PROBE_MS = 500;
const topicsAnswer = z.object({ topics: z.array(z.object({ lagRecords: z.number(), lagSeconds: z.number() })) });
const eventsAnswer = z.object({ events: z.array(z.unknown()) });

export interface DevFigures {
  readonly seconds: number;
  readonly freshnessMs: { readonly p50: number; readonly p99: number; readonly max: number; readonly probes: number };
  readonly rssMegabytes: readonly number[];
  readonly lagRecordsMax: number;
}

/** Runs for `seconds`, printing a summary. Resident memory is read from /proc, so this part is for Linux. */
export async function measureDev(seconds: number): Promise<DevFigures> {
  const data = await Deno.makeTempDir({ prefix: "millrace-bench-dev-" });
  const dev = await startDev({ data, flags: ["--rate", String(RATE)] });
  const delays: number[] = [];
  const rssMegabytes: number[] = [];
  let lagRecordsMax = 0;
  const probes: Promise<void>[] = [];
  const end = Date.now() + seconds * 1000;
  try {
    for (let tick = 0; Date.now() < end; tick++) {
      const probe = probeOnce(dev.url).then((delay) => void delays.push(delay));
      probes.push(probe);
      await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
      if (tick % 10 !== 9) continue;
      const status = await Deno.readTextFile(`/proc/${dev.pid}/status`);
      rssMegabytes.push(Math.round(Number(status.match(/VmRSS:\s+(\d+)/)?.[1] ?? 0) / 1024));
      const { topics } = topicsAnswer.parse(await (await fetch(`${dev.url}/api/v1/topics`)).json());
      lagRecordsMax = Math.max(lagRecordsMax, ...topics.map(({ lagRecords }) => lagRecords));
    }
    await Promise.all(probes);
  } finally {
    dev.kill("SIGTERM");
    await dev.ended;
    await Deno.remove(data, { recursive: true });
  }
  delays.sort((a, b) => a - b);
  const at = (q: number) => delays[Math.min(delays.length - 1, Math.floor(q * delays.length))];
  const freshnessMs = { p50: at(0.5), p99: at(0.99), max: delays[delays.length - 1], probes: delays.length };
  console.log(`\n## dev at ${RATE} events/s, stored, for ${seconds} s\n`);
  console.log("| figure | value |\n|---|---|");
  console.log(
    `| ingested to visible, p50 / p99 / max of ${delays.length} | ${Math.round(freshnessMs.p50)} / ` +
      `${Math.round(freshnessMs.p99)} / ${Math.round(freshnessMs.max)} ms |`,
  );
  console.log(`| largest lag of a topic seen | ${lagRecordsMax} records |`);
  console.log(`| resident memory every ${PROBE_MS / 100} s | ${rssMegabytes.join(" ")} MB |`);
  return { seconds, freshnessMs, rssMegabytes, lagRecordsMax };
}

/** Ingests one record and asks for it until it is there; answers the milliseconds in between. */
async function probeOnce(url: string): Promise<number> {
  const id = crypto.randomUUID();
  const body = JSON.stringify({ timestamp: new Date().toISOString(), level: "INFO", service: "probe", message: id });
  const before = performance.now();
  const response = await fetch(`${url}/ingest/v1/probes?partitions=1`, { method: "POST", body });
  if (!response.ok) throw new Error(`ingest: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
  for (;;) {
    const answer = await fetch(`${url}/api/v1/events?topic=probes&from=now-5m&q=${id}`);
    if (answer.ok && eventsAnswer.parse(await answer.json()).events.length > 0) return performance.now() - before;
    if (!answer.ok) await answer.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
