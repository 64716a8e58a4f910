import { expect } from "expect";
import { Bench, START } from "./test_rules.ts";

const DROP = `
rules:
  - {name: drop, kind: ewma, metric: count, direction: below, deviations: 7, margin: 0.4, minChange: 30}
`;
const SERVICES = ["checkout", "search", "users", "rates"];
/** Minutes of traffic before anything is judged early, so that baselines are there. */
const HISTORY = 60;
const LEARN = 60;
const USUAL = 200;

/** A clock of minutes: each is judged when it has ended, and once more when it is final, a minute later. */
class Course {
  readonly bench: Bench;
  #at = -HISTORY;

  constructor(yaml = DROP) {
    this.bench = new Bench(yaml);
    for (; this.#at < 0; this.#at++) for (const service of SERVICES) this.#set(service, this.#at, USUAL);
  }

  /** One minute: what has come by its end, and what there is when it is final; other services have the usual. */
  async minute(
    early: Readonly<Record<string, number>>,
    final: Readonly<Record<string, number>> = early,
  ): Promise<void> {
    const { bench } = this;
    const at = this.#at++;
    for (const service of SERVICES) this.#set(service, at, early[service] ?? USUAL);
    bench.minutes.finalUntil = START + at;
    bench.minutes.endedUntil = START + at + 1;
    await bench.evaluator.evaluate((START + at + 1) * 60_000);
    for (const service of SERVICES) this.#set(service, at, final[service] ?? USUAL);
  }

  async minutes(count: number, early: Readonly<Record<string, number>> = {}, final = early): Promise<void> {
    for (let i = 0; i < count; i++) await this.minute(early, final);
  }

  #set(service: string, at: number, count: number): void {
    this.bench.minutes.set({ service }, START + at, { count, errors: 0 });
  }
}

Deno.test("a drop is told when its minute ends, once an hour of minutes was whole by then", async () => {
  const young = new Course();
  await young.minutes(LEARN - 2);
  await young.minute({ checkout: 20 });
  expect(young.bench.active).toEqual([]);
  await young.minute({ checkout: 20 });
  expect(young.bench.active).toEqual(["drop checkout"]); // as that minute became final

  const learnt = new Course();
  await learnt.minutes(LEARN + 2);
  await learnt.minute({ checkout: 20 });
  expect(learnt.bench.active).toEqual(["drop checkout"]);
  expect(learnt.bench.problems).toEqual([]);
});

Deno.test("a service whose events come after the end of their minute is judged when it is final, others early", async () => {
  const course = new Course();
  await course.minutes(LEARN + 2, { users: 0 }, { users: USUAL });
  expect(course.bench.notices).toEqual([]);
  await course.minutes(5, { users: 0 }, { users: USUAL });
  expect(course.bench.notices).toEqual([]);
  await course.minute({ users: 0, search: 10 }, { users: 10, search: 10 });
  expect(course.bench.active).toEqual(["drop search"]);
  await course.minute({ users: 0, search: 10 }, { users: 10, search: 10 });
  expect(course.bench.active.toSorted()).toEqual(["drop search", "drop users"]);
});

Deno.test("where most services fall at once it may be the log that is slow: that waits for final minutes", async () => {
  const course = new Course();
  await course.minutes(LEARN + 2);
  await course.minutes(3, { checkout: 10, search: 10, users: 10 }, {});
  expect(course.bench.notices).toEqual([]);
  // One is in breach; the others have come to three quarters, which is no breach of theirs.
  const slow = new Course();
  await slow.minutes(LEARN + 2);
  await slow.minutes(3, { checkout: 10, search: 150, users: 150, rates: 150 }, {});
  expect(slow.bench.notices).toEqual([]);
  await slow.minute({ checkout: 10, search: 150, users: 150, rates: 150 });
  await slow.minute({ checkout: 10, search: 150, users: 150, rates: 150 });
  expect(slow.bench.active).toEqual(["drop checkout"]);
});

Deno.test("after a mistake about a group all wait for final minutes for an hour, and that group for a day", async () => {
  const course = new Course();
  await course.minutes(LEARN + 2);
  await course.minute({ users: 10 }, {});
  expect(course.bench.active).toEqual(["drop users"]); // told once, and over as soon as its minute is whole
  await course.minutes(10);
  expect(course.bench.active).toEqual([]);
  await course.minute({ search: 10 }, {});
  await course.minutes(60);
  expect(new Set(course.bench.notices.map(({ service }) => service))).toEqual(new Set(["users"]));
  await course.minute({ rates: 10, users: 10 });
  expect(course.bench.active).toEqual(["drop rates"]);
});

Deno.test("a start learns anew", async () => {
  const course = new Course();
  await course.minutes(LEARN + 2);
  course.bench.restart();
  await course.minutes(2);
  await course.minute({ checkout: 20 });
  expect(course.bench.active).toEqual([]);
});
