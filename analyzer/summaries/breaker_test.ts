import { expect } from "expect";
import fc from "fast-check";
import { Breaker } from "./breaker.ts";
import { TripNotices } from "./trip_notices.ts";

const OPTIONS = { failuresMax: 3, restMs: 1000, restMsMax: 8000 };

function failing(breaker: Breaker, times: number, nowMs: number): void {
  for (let i = 0; i < times; i++) {
    breaker.pass(nowMs);
    breaker.failed(nowMs);
  }
}

Deno.test("failures in a row open it; one success between them does not let them add up", () => {
  const breaker = new Breaker(OPTIONS);
  failing(breaker, 2, 0);
  breaker.succeeded();
  failing(breaker, 2, 0);
  expect(breaker.state(0)).toBe("closed");
  failing(breaker, 1, 0);
  expect(breaker.state(0)).toBe("open");
  expect(breaker.pass(400)).toEqual({ passes: false, retryAfterMs: 600 });
});

Deno.test("after the rest one call goes through, and decides", () => {
  const breaker = new Breaker(OPTIONS);
  failing(breaker, 3, 0);
  expect(breaker.state(1000)).toBe("half_open");
  expect([1, 2, 3].map(() => breaker.pass(1000).passes)).toEqual([true, false, false]);
  breaker.failed(1000);
  expect(breaker.pass(2999).passes).toBe(false);
  expect(breaker.pass(3000).passes).toBe(true);
  breaker.succeeded();
  expect(breaker.state(3000)).toBe("closed");
  expect([1, 2].map(() => breaker.pass(3000).passes)).toEqual([true, true]);
});

Deno.test("rests double up to the longest; what somebody has to correct rests for the longest at once", () => {
  const breaker = new Breaker(OPTIONS);
  failing(breaker, 3, 0);
  const rests = [];
  let now = 0;
  for (let i = 0; i < 5; i++) {
    const passage = breaker.pass(now);
    if (!passage.passes) {
      rests.push(passage.retryAfterMs);
      now += passage.retryAfterMs;
    }
    breaker.pass(now);
    breaker.failed(now);
  }
  expect(rests).toEqual([1000, 2000, 4000, 8000, 8000]);
  const other = new Breaker(OPTIONS);
  other.failed(0, true);
  expect(other.pass(1)).toEqual({ passes: false, retryAfterMs: 7999 });
});

Deno.test("a call that is given up says nothing, and leaves the way to the next", () => {
  const breaker = new Breaker(OPTIONS);
  failing(breaker, 3, 0);
  expect(breaker.pass(1000).passes).toBe(true);
  breaker.withdrawn();
  expect(breaker.pass(1000).passes).toBe(true);
});

Deno.test("in any run: never stuck open, and while it rests nothing goes through", () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 5000 }),
    ends: fc.constantFrom("ok", "bad", "hopeless", "given up"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const breaker = new Breaker(OPTIONS);
    let now = 0;
    for (const { afterMs, ends } of steps) {
      now += afterMs;
      const state = breaker.state(now);
      const passage = breaker.pass(now);
      expect(passage.passes).toBe(state !== "open");
      if (!passage.passes) {
        expect(passage.retryAfterMs).toBeLessThanOrEqual(OPTIONS.restMsMax);
        continue;
      }
      if (ends === "ok") breaker.succeeded();
      else if (ends === "given up") breaker.withdrawn();
      else breaker.failed(now, ends === "hopeless");
    }
    expect(breaker.pass(now + OPTIONS.restMsMax).passes).toBe(true);
  }));
});

Deno.test("what is out of order is told once, and once that it is over", () => {
  const told: string[] = [];
  const notices = new TripNotices<"a" | "b">(1000, (text) => told.push(text));
  notices.works("a", 0, "a works");
  for (let now = 0; now < 500; now += 10) notices.tripped("a", now, "a is out");
  notices.tripped("b", 0, "b is out");
  notices.works("a", 600, "a works");
  expect(told).toEqual(["a is out", "b is out"]);
  notices.works("a", 1490, "a works");
  notices.works("a", 1600, "a works");
  notices.works("b", 10, "b works", true);
  expect(told).toEqual(["a is out", "b is out", "a works", "b works"]);
});
