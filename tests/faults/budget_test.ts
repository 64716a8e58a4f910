/** Analyzers as processes of their own, on one Cassandra: together they ask the model as often as one may, also where one is killed. */
import { expect } from "expect";
import { type ModelAct, ModelServer } from "../../analyzer/evaluation/model_server.ts";
import { modelAnswer } from "../../analyzer/summaries/test_facts.ts";
import { canRunPrograms } from "../program_process.ts";
import { serviceForTests } from "../services/for_tests.ts";

const cassandra = canRunPrograms ? await serviceForTests("cassandra") : null;

const NOON = Date.UTC(2026, 10, 23, 12);
const CALLS = 7;
const ERRORS = 10;

interface Spender {
  /** Lets it begin. */
  go(): Promise<void>;
  kill(): void;
  /** What became of its errors; those of a killed one are not all told. */
  readonly outcomes: Promise<readonly string[]>;
}

/** Starts a process on a keyspace, and resolves when it is ready. */
async function spender(name: string, keyspace: string, serverUrl: string): Promise<Spender> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "--no-check", "-A", new URL("./spending_process.ts", import.meta.url).pathname],
      JSON.stringify({
        ...{ name, nowMs: NOON, errors: ERRORS },
        cassandra: { contactPoints: cassandra?.contactPoints.split(","), keyspace },
        mistral: { serverUrl, callsPerMinute: 0, callsPerDay: CALLS, coolDownSeconds: 0 },
      }),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>();
  const outcomes = (async () => {
    let printed = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed.includes("ready\n")) becomeReady();
    }
    becomeReady(); // or it failed, and has no outcomes
    await child.status;
    return printed.split("\n").filter((line) => line !== "" && line !== "ready");
  })();
  const stdin = child.stdin.getWriter();
  await ready;
  return {
    outcomes,
    kill: () => child.kill("SIGKILL"),
    go: async () => {
      await stdin.write(new Uint8Array([10]));
      await stdin.close();
    },
  };
}

const writtenOf = (outcomes: readonly string[]): number => outcomes.filter((kind) => kind === "written").length;
const keyspaceOf = (): string => `test_${crypto.randomUUID().slice(0, 8)}`;

Deno.test({
  name: "two processes that ask at once ask as often as one may, and a third that comes after both does not",
  ignore: cassandra === null,
  async fn() {
    const good: ModelAct = { kind: "says", content: modelAnswer() };
    await using server = new ModelServer({ act: () => good });
    const keyspace = keyspaceOf();
    // The first makes the tables.
    const both = [await spender("a", keyspace, server.url), await spender("b", keyspace, server.url)];
    for (const each of both) await each.go();
    const outcomes = (await Promise.all(both.map((each) => each.outcomes))).flat();
    expect(outcomes).toHaveLength(2 * ERRORS);
    expect(writtenOf(outcomes)).toBe(CALLS);
    expect(server.questions).toHaveLength(CALLS);
    const late = await spender("c", keyspace, server.url);
    await late.go();
    expect(writtenOf(await late.outcomes)).toBe(0);
    expect(server.questions).toHaveLength(CALLS);
  },
});

Deno.test({
  name: "what a process that is killed had reserved stays counted: the others never ask more than is left",
  ignore: cassandra === null,
  async fn() {
    const { promise: isKilled, resolve: killed } = Promise.withResolvers<void>();
    await using server = new ModelServer({
      act: async (_question, index) => {
        if (index === 0) {
          doomed.kill();
          await doomed.outcomes;
          killed();
        }
        await isKilled;
        return { kind: "says", content: modelAnswer() };
      },
    });
    const keyspace = keyspaceOf();
    const doomed = await spender("doomed", keyspace, server.url);
    const other = await spender("other", keyspace, server.url);
    await doomed.go();
    await isKilled;
    const asked = server.questions.length;
    expect(asked).toBeGreaterThan(0);
    await other.go();
    const outcomes = await other.outcomes;
    expect(outcomes).toHaveLength(ERRORS);
    expect(server.questions.length).toBeLessThanOrEqual(CALLS);
    // Whatever the dead one had asked is paid for, though its answers came to nobody.
    expect(writtenOf(outcomes)).toBeLessThanOrEqual(CALLS - asked);
  },
});
