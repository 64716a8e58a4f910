/**
 * At least two hundred faults between an outbox and Slack: errors, time-outs and broken connections before and after a message was
 * taken, and kill -9 of the process at every kind of step. The server's own record says what people see.
 */
import { expect } from "expect";
import { SLACK_FAULTS, SlackServer } from "../contract/slack_server.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { fastClock, type NotifyingOrders, STEPS } from "./notifying_process.ts";
import { projectRoot } from "./task_command.ts";

const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";
const STORIES = Number(Deno.env.get("STORIES") ?? 8);
const NOTICES = 6;
const PROGRAM = new URL("./notifying_process.ts", import.meta.url).pathname;

interface Told {
  readonly serverFaults: number;
  readonly kills: readonly string[];
  readonly posted: number;
  readonly removed: number;
}

/** Whether it killed itself; else all is told. */
async function run(orders: NotifyingOrders): Promise<boolean> {
  const { success, signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-check", "--allow-all", PROGRAM, JSON.stringify(orders)],
    cwd: projectRoot,
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  if (!success && signal !== "SIGKILL") throw new Error(new TextDecoder().decode(stderr));
  return !success;
}

async function story(seed: number): Promise<Told> {
  const random = randomFrom(seed);
  const clock = { epochMs: 1_800_000_000_000, realMs: Date.now(), scale: 40 };
  let isFaulty = true;
  let serverFaults = 0;
  const server = await SlackServer.start({
    token: "xoxb-test-token",
    channels: [{ id: "C00000001", name: "errors" }],
    now: fastClock(clock),
    fault: () => {
      if (!isFaulty || random() > 0.4) return null;
      serverFaults++;
      return SLACK_FAULTS[Math.floor(random() * SLACK_FAULTS.length)];
    },
  });
  const directory = await Deno.makeTempDir();
  const orders = { ...clock, apiUrl: server.url, ledger: `${directory}/ledger.json`, notices: NOTICES };
  const kills: string[] = [];
  try {
    // Every other kind of step, in the order of a message's life.
    for (const step of STEPS.filter((_, i) => i % 2 === seed % 2)) {
      // Whoever dies at a post leaves a look to do, and perhaps no other.
      const often = step.endsWith("look") ? 1 : step.endsWith("write") ? 12 : 3;
      const killAt = { step, nth: 1 + Math.floor(random() * often) };
      if (await run({ ...orders, killAt })) kills.push(step);
    }
    // With faults to its end, and once more without: the last look needs an answer.
    await run({ ...orders, killAt: null });
    isFaulty = false;
    await run({ ...orders, killAt: null });
    checkRecord(seed, server);
    const posted = server.calls.filter(({ method }) => method === "chat.postMessage").length;
    return { serverFaults, kills, posted, removed: server.deleted };
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Each matter has one message that says that it is over, and one reply in its thread. */
function checkRecord(seed: number, server: SlackServer): void {
  const seen = [...server.messages.values()].map(({ metadata, thread_ts: thread, text }) => {
    const parent = thread === null ? undefined : server.messages.get(thread);
    const id = metadata?.event_payload.incident_id;
    return thread === null ? `${id}: ${text}` : `${id} > ${parent?.metadata?.event_payload.incident_id}: ${text}`;
  });
  const expected = Array.from({ length: NOTICES }, (_, i) => [
    `error/${i}: Resolved: error: Card processor refuses connections (payments)`,
    `error/${i} > error/${i}: More of it: more`,
  ]).flat();
  expect({ seed, seen: seen.sort() }).toEqual({ seed, seen: expected.sort() });
}

if (canRun) {
  Deno.test(`no message is lost or there twice, over ${STORIES} stories of faults and kills`, async () => {
    // Side by side: most of a story is waiting.
    const told: Told[] = [];
    for (let seed = 1; seed <= STORIES; seed += 4) {
      const some = Array.from({ length: Math.min(4, STORIES - seed + 1) }, (_, i) => story(seed + i));
      told.push(...await Promise.all(some));
    }
    const serverFaults = told.reduce((sum, each) => sum + each.serverFaults, 0);
    const kills = told.flatMap((each) => each.kills);
    expect(serverFaults + kills.length).toBeGreaterThanOrEqual(25 * STORIES);
    // Processes died at every kind of step.
    if (STORIES >= 8) expect(STEPS.filter((step) => !kills.includes(step))).toEqual([]);
    if (Deno.env.has("STORIES")) {
      const sum = (of: (each: Told) => number) => told.reduce((total, each) => total + of(each), 0);
      const steps = Object.entries(Object.groupBy(kills, (kill) => kill)).map(([kill, all]) =>
        `${all?.length} ${kill}`
      );
      console.log({ serverFaults, posted: sum(({ posted }) => posted), removed: sum(({ removed }) => removed), steps });
    }
  });
}
