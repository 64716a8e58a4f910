/**
 * From an error's append to its message in Slack: `dev` on this machine, Slack as a local server, no model. Each error is of
 * a service of its own, so that each is an incident.
 *
 * Run: deno run -P=bench bench/errors.ts [ERRORS]
 */
import { startDev } from "../tests/faults/dev_process.ts";
import { SlackServer } from "../tests/contract/slack_server.ts";

const ERRORS = Number(Deno.args[0] ?? 30);
const PAUSE_MS = 1_500;
const LIMIT_MS = 120_000;
const TOKEN = "xoxb-for-a-bench";

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];

/** A name of letters: digits would be a value. */
const nameOf = (i: number): string => [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");

async function main(): Promise<void> {
  const seen = new Map<string, number>();
  const slack = await SlackServer.start({ token: TOKEN, channels: [{ id: "C0BENCH", name: "bench" }] });
  const data = await Deno.makeTempDir({ prefix: "millrace-bench-errors-" });
  const dev = await startDev({
    data,
    flags: ["--no-generator", "--workers", "1"],
    env: { SLACK_BOT_TOKEN: TOKEN, SLACK_CHANNEL: "C0BENCH", MILLRACE_NOTIFY_SLACK_API_URL: slack.url },
  });
  const sent = new Map<string, number>();
  const watch = setInterval(() => {
    for (const { text } of slack.messages.values()) {
      const name = /service-([a-j]+)-end/.exec(text)?.[1];
      if (name !== undefined && !seen.has(name)) seen.set(name, performance.now());
    }
  }, 10);
  try {
    for (let i = 0; i < ERRORS; i++) {
      const name = nameOf(i);
      const line = {
        timestamp: new Date().toISOString(),
        level: "ERROR",
        service: `service-${name}-end`,
        message: "the ledger does not answer",
      };
      const response = await fetch(`${dev.url}/ingest/v1/shop`, { method: "POST", body: JSON.stringify(line) + "\n" });
      await response.text();
      sent.set(name, performance.now());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    const giveUp = performance.now() + LIMIT_MS;
    while (seen.size < sent.size && performance.now() < giveUp) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    clearInterval(watch);
    dev.kill("SIGTERM");
    await dev.ended;
    await slack.stop();
    await Deno.remove(data, { recursive: true });
  }
  const seconds = [...sent].flatMap(([name, at]) => {
    const then = seen.get(name);
    return then === undefined ? [] : [(then - at) / 1000];
  }).sort((a, b) => a - b);
  console.log(
    `${seconds.length} of ${ERRORS} errors told; seconds from append to message: ` +
      `median ${quantile(seconds, 0.5).toFixed(1)}, p95 ${quantile(seconds, 0.95).toFixed(1)}, max ${
        quantile(seconds, 1).toFixed(1)
      }`,
  );
}

if (import.meta.main) await main();
