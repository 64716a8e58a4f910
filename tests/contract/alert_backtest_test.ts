/** `alerts backtest` over what is stored. */
import { expect } from "expect";
import { join } from "node:path";
import { runCommandLine } from "../../cli/program.ts";
import { testTerminal } from "../../cli/test_terminal.ts";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { openStore } from "../../core/store/registry.ts";
import { cellOf, flushOf } from "./store_fixtures.ts";

const RULES = "rules:\n  - {name: errors, kind: error_rate, above: 0.05, window: 1m, severity: critical}\n";

async function run(...args: readonly string[]): Promise<{ status: number; output: string }> {
  const terminal = testTerminal();
  const status = await runCommandLine(["alerts", ...args], terminal);
  return { status, output: terminal.output };
}

Deno.test("a backtest over stored minutes tells what would have fired when, of the topics that are asked for", async () => {
  const dir = await Deno.makeTempDir({ prefix: "millrace-backtest-" });
  try {
    await Deno.writeTextFile(join(dir, "rules.yaml"), RULES);
    const data = join(dir, "data");
    const { log: settings } = configSchema.parse({});
    const config = configSchema.parse({ data });
    const startMs = Date.UTC(2026, 2, 2, 10);
    const log = await openEmbeddedLog({ dataDirectory: data, settings });
    const topics = [
      await log.createTopic("shop", { partitions: 1 }),
      await log.createTopic("other", { partitions: 1 }),
    ];
    await log.close();
    const store = await openStore("duckdb", config);
    for (const topic of topics) {
      // Forty minutes of 100 events; those from the 20th to the 22nd have 30 errors.
      const cells = Array.from(
        { length: 40 },
        (_, i) => cellOf(0, "cart", 100, { minute: startMs / 60_000 + i, errors: i >= 20 && i < 23 ? 30 : 0 }),
      );
      const flush = flushOf({ topicId: topic.id, at: 4_000, cells });
      expect(await store.flush(flush)).toMatchObject({ kind: "applied" });
    }
    await store.close();
    const range = ["--from", "2026-03-02T10:05:00Z", "--to", "2026-03-02T10:40:00Z"];
    const flags = ["--data", data, "--rules", join(dir, "rules.yaml"), ...range, "--topic", "shop", "--json"];
    const { status, output } = await run("backtest", ...flags);
    expect(status).toBe(0);
    const { minutes, episodes, calls } = JSON.parse(output);
    expect([minutes, calls]).toEqual([35, 1]);
    expect(episodes).toMatchObject([{
      ...{ rule: "errors", topic: "shop", labels: { service: "cart" }, severity: "critical" },
      // Minute 20 has ended at 10:21, and fires then; minute 23 is final, and well, a lateness after its end.
      ...{ startedAt: "2026-03-02T10:21:00.000Z", firedAt: "2026-03-02T10:21:05.000Z" },
      ...{ verdict: { observed: 0.3, high: 0.05 } },
    }]);
    expect(Date.parse(episodes[0].resolvedAt)).toBeGreaterThanOrEqual(Date.parse("2026-03-02T10:25:00Z"));
    const calm = await run(
      "backtest",
      ...flags.slice(0, 4),
      "--from",
      "2026-03-02T10:05:00Z",
      "--to",
      "2026-03-02T10:20:00Z",
    );
    expect(calm.output).toBe("15 minutes, 0 alerts in 0 messages\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
