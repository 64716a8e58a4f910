import { expect } from "expect";
import type { ErrorRecord } from "./error_record.ts";
import { FingerprintBook } from "./fingerprint_book.ts";
import { IncidentDesk, type IncidentRules } from "./incident_desk.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.parse("2026-03-02T12:00:00Z");
const RULES: IncidentRules = {
  liveMs: 15 * MINUTE_MS,
  quietMs: 30 * MINUTE_MS,
  regressedMs: 6 * HOUR_MS,
  groupMs: 2 * MINUTE_MS,
  staleMs: 7 * 24 * HOUR_MS,
  incidentsMax: 3,
  keptMs: 90 * 24 * HOUR_MS,
};

/** A book and a desk, and a clock that is moved by hand. */
class World {
  readonly book = new FingerprintBook({ redact: (text) => text }, { fingerprintsMax: 1_000 });
  readonly desk = new IncidentDesk(this.book, RULES);
  nowMs = START_MS;
  #offset = 0;

  error(message: string, more: Partial<ErrorRecord> = {}): void {
    const offset = this.#offset++;
    const record = {
      partition: 0,
      offset,
      ms: this.nowMs,
      service: "pay",
      level: "ERROR",
      template: null,
      raw: message,
      values: {},
    };
    this.desk.occurred(this.book.add({ ...record, message, ...more }, this.nowMs));
  }

  look(): void {
    this.desk.look(this.nowMs);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.look();
  }

  get incidents() {
    return [...this.desk.all].map(({ service, state, members, isTold }) => ({
      service,
      state,
      isTold,
      reasons: members.map(({ reason }) => reason).join(),
    }));
  }

  get wanted(): string[] {
    return [...this.book.all].flatMap(({ wanted }) => wanted === null ? [] : [wanted.reason]);
  }

  /** As if every summary that is wanted had been written. */
  write(): number {
    const wanted = [...this.book.all].filter(({ wanted }) => wanted !== null);
    for (const each of wanted) {
      each.wanted = null;
      each.analysis = {
        summary: { title: "t", severity: "error", category: "app", whatHappened: "w", causes: [], nextSteps: [] },
        author: "model",
        isModel: true,
        reason: "new",
        atMs: this.nowMs,
        tokens: 0,
        usd: 0,
        evidence: [],
      };
    }
    return wanted.length;
  }
}

Deno.test("ten thousand identical errors are one incident and one wish for a summary", () => {
  const world = new World();
  let written = 0;
  for (let i = 0; i < 10_000; i++) {
    world.error(`card ${i} was refused`);
    if (i % 10 === 9) {
      world.pass(100);
      written += world.write();
    }
  }
  expect(written).toBe(1);
  expect(world.incidents).toEqual([{ service: "pay", state: "open", isTold: true, reasons: "new" }]);
});

Deno.test("errors of a service that begin together are one incident; others and later ones are their own", () => {
  const world = new World();
  world.error("card 1 was refused");
  world.error("boom", { service: "shop" });
  world.look();
  world.pass(MINUTE_MS);
  world.error("timeout of the ledger");
  world.look();
  world.pass(3 * MINUTE_MS);
  world.error("disk is full");
  world.look();
  expect(world.incidents.map(({ service, reasons }) => [service, reasons])).toEqual([
    ["pay", "new,new"],
    ["shop", "new"],
    ["pay", "new"],
  ]);
  const [first] = world.desk.all;
  expect(first.log.map(({ text }) => text)).toEqual(["new as well: timeout of the ledger"]);
});

Deno.test("what was over before it was read is kept, and nobody is told or asked", () => {
  const world = new World();
  world.error("card 1 was refused", { ms: START_MS - 2 * HOUR_MS });
  world.look();
  expect(world.incidents).toEqual([{ service: "pay", state: "resolved", isTold: false, reasons: "new" }]);
  expect(world.wanted).toEqual([]);
});

Deno.test("what began long ago and goes on is told once the log was read up to now", () => {
  const world = new World();
  for (let minutes = 300; minutes >= 0; minutes -= 5) {
    world.error("card 1 was refused", { ms: START_MS - minutes * MINUTE_MS });
    world.look();
  }
  expect(world.incidents).toEqual([{ service: "pay", state: "open", isTold: true, reasons: "new" }]);
  expect(world.wanted).toEqual(["new"]);
});

Deno.test("an incident ends when it is quiet, is the same when it is soon back, and a new one later", () => {
  const world = new World();
  world.error("card 1 was refused");
  world.look();
  world.write();
  world.pass(29 * MINUTE_MS);
  expect(world.incidents[0].state).toBe("open");
  world.pass(2 * MINUTE_MS);
  expect(world.incidents[0].state).toBe("resolved");
  const [incident] = world.desk.all;
  expect(incident.resolvedMs).toBe(START_MS + 30 * MINUTE_MS);
  world.nowMs += HOUR_MS;
  world.error("card 2 was refused");
  world.look();
  expect(world.incidents).toEqual([{ service: "pay", state: "open", isTold: true, reasons: "new" }]);
  expect(incident.log.map(({ text }) => text)).toEqual(["it is back: card <*> was refused"]);
  expect(world.wanted).toEqual([]);
  world.pass(HOUR_MS);
  world.nowMs += 7 * HOUR_MS;
  world.error("card 3 was refused");
  world.look();
  expect(world.incidents.map(({ state, reasons }) => [state, reasons])).toEqual([["resolved", "new"], [
    "open",
    "regressed",
  ]]);
  expect(world.wanted).toEqual(["regressed"]);
});

Deno.test("late news of what is over does not open it again", () => {
  const world = new World();
  world.error("card 1 was refused");
  world.look();
  world.pass(HOUR_MS);
  world.error("card 2 was refused", { ms: START_MS - MINUTE_MS });
  world.look();
  expect(world.incidents[0].state).toBe("resolved");
});

Deno.test("far more than usual is told, once an hour", () => {
  const world = new World();
  for (let minute = 0; minute < 5 * 60; minute++) {
    world.error("card 1 was refused");
    world.pass(MINUTE_MS);
    world.write();
  }
  const [incident] = world.desk.all;
  expect(incident.log).toEqual([]);
  for (let i = 0; i < 100; i++) world.error(`card ${i} was refused`);
  world.look();
  expect(incident.log.length).toBe(1);
  expect(incident.log[0].text).toMatch(/^10[0-9] in 5 minutes, where 5 are usual: card <\*> was refused$/);
  expect(world.wanted).toEqual(["spike"]);
  world.write();
  world.pass(MINUTE_MS);
  expect(incident.log.length).toBe(1);
});

Deno.test("a summary is wanted anew when it is old and the error goes on", () => {
  const world = new World();
  const asked: string[] = [];
  for (let hour = 0; hour < 15 * 24; hour++) {
    for (let part = 0; part < 4; part++) {
      world.error("card 1 was refused");
      world.pass(15 * MINUTE_MS);
      asked.push(...world.wanted);
      world.write();
    }
  }
  expect(asked).toEqual(["new", "stale", "stale"]);
});

Deno.test("in a storm of new errors what comes on top is gathered in one incident", () => {
  const world = new World();
  for (const service of ["aa", "bb", "cc", "dd", "ee", "ff"]) {
    world.error("boom", { service });
    world.look();
  }
  expect(world.incidents.map(({ service, reasons }) => [service, reasons])).toEqual([
    ["aa", "new"],
    ["bb", "new"],
    ["cc", "new"],
    ["", "new,new,new"],
  ]);
});

Deno.test("resolved incidents are forgotten after their time, and their error is new again as one that came back", () => {
  const world = new World();
  world.error("card 1 was refused");
  world.look();
  world.pass(HOUR_MS);
  world.pass(91 * 24 * HOUR_MS);
  expect(world.incidents).toEqual([]);
  expect(world.desk.takeChanges().forgotten.length).toBe(1);
  world.error("card 1 was refused");
  world.look();
  expect(world.incidents.map(({ reasons }) => reasons)).toEqual(["regressed"]);
});

Deno.test("an error that is back joins what has just begun as news of its own; one that is new does not", () => {
  const world = new World();
  world.error("the card was refused");
  world.pass(0);
  world.pass(8 * HOUR_MS);
  world.error("the ledger is gone");
  world.pass(0);
  world.error("the card was refused");
  world.error("the till is stuck");
  world.pass(1_000);
  const [, second] = world.desk.all;
  expect(second.log.map(({ id, text }) => `${id.split("-")[0]} ${text}`)).toEqual([
    "regressed back after a rest: the card was refused",
    "note new as well: the till is stuck",
  ]);
});
