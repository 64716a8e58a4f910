import { expect } from "expect";
import fc from "fast-check";
import { Decisions } from "../../core/incidents/decisions.ts";
import type { FingerprintDocument } from "../../core/incidents/documents.ts";
import type { ErrorRecord } from "./error_record.ts";
import { FingerprintBook } from "./fingerprint_book.ts";

const NOW_MS = Date.parse("2026-03-02T12:00:00Z");
const by = { by: "ada", atMs: NOW_MS };

function bookOf(fingerprintsMax = 1_000): FingerprintBook {
  return new FingerprintBook({ redact: (text) => text.replaceAll("hunter2", "<PASSWORD_1234567>") }, {
    fingerprintsMax,
  });
}

let offset = 0;
function errorOf(message: string, more: Partial<ErrorRecord> = {}): ErrorRecord {
  return {
    partition: 0,
    offset: offset++,
    ms: NOW_MS,
    service: "pay",
    level: "ERROR",
    message,
    template: null,
    raw: message,
    values: {},
    ...more,
  };
}

/** What is counted, by template. */
function counts(book: FingerprintBook): Record<string, number> {
  const roots = [...book.all].filter(({ mergedInto }) => mergedInto === null);
  return Object.fromEntries(roots.map(({ template, count }) => [template, count]));
}

const copies = (documents: Iterable<FingerprintDocument>): FingerprintDocument[] =>
  [...documents].map((each) => JSON.parse(JSON.stringify(each)));

Deno.test("errors that differ in values alone have one fingerprint, by service and level", () => {
  const book = bookOf();
  for (let i = 0; i < 5; i++) book.add(errorOf(`card ${i} was refused`), NOW_MS);
  book.add(errorOf("card 7 was refused", { service: "shop" }), NOW_MS);
  book.add(errorOf("card 7 was refused", { level: "FATAL" }), NOW_MS);
  expect([...book.all].map(({ service, level, count, template }) => [service, level, count, template])).toEqual([
    ["pay", "ERROR", 5, "card <*> was refused"],
    ["shop", "ERROR", 1, "card <*> was refused"],
    ["pay", "FATAL", 1, "card <*> was refused"],
  ]);
});

Deno.test("a fingerprint keeps its id when more is learnt of what varies", () => {
  const book = bookOf();
  const { id } = book.add(errorOf("lookup of alice failed in region eu"), NOW_MS);
  for (const name of ["bob", "carol", "dave", "erin", "alice"]) {
    book.add(errorOf(`lookup of ${name} failed in region eu`), NOW_MS);
  }
  expect(counts(book)).toEqual({ "lookup of <*> failed in region eu": 6 });
  expect(book.rootOf(id)?.id).toBe(id);
});

Deno.test("times may come in any order", () => {
  const book = bookOf();
  const times = [0, -30, 5, -200, 3, 3];
  for (const minutes of times) book.add(errorOf("boom went it", { ms: NOW_MS + minutes * 60_000 }), NOW_MS);
  const [{ firstMs, lastMs, minutes, hours }] = book.all;
  expect([firstMs, lastMs]).toEqual([NOW_MS - 200 * 60_000, NOW_MS + 5 * 60_000]);
  const now = NOW_MS / 60_000;
  expect(minutes).toEqual([[now - 30, 1], [now, 1], [now + 3, 2], [now + 5, 1]]);
  expect(hours.reduce((sum, [, count]) => sum + count, 0)).toBe(times.length);
});

Deno.test("neither template nor lines nor values hold what is to be redacted", () => {
  const book = bookOf();
  const text = "login of bob with password hunter2 failed";
  for (let i = 0; i < 3; i++) book.add(errorOf(text, { values: { endpoint: "/login?hunter2" } }), NOW_MS);
  book.takeExemplars();
  expect(JSON.stringify([...book.all])).not.toContain("hunter2");
  expect(JSON.stringify([...book.all])).toContain("PASSWORD_1234567");
});

Deno.test("a storm of one error keeps its lines few, the first and the last among them", () => {
  const book = bookOf();
  for (let i = 0; i < 2_000; i++) {
    book.add(errorOf(`card ${i} was refused`), NOW_MS);
    if (i % 10 === 9 || i === 0) book.takeExemplars();
  }
  const [{ exemplars, count }] = book.all;
  expect(count).toBe(2_000);
  expect(exemplars.length).toBe(10);
  expect(new Set(exemplars.map(({ text }) => text)).size).toBe(10);
  expect(exemplars[0].text).toBe("card 0 was refused");
  expect(exemplars[9].text).toBe("card 1999 was refused");
});

Deno.test("the most frequent values are counted, however many there are", () => {
  const book = bookOf();
  for (let i = 0; i < 900; i++) {
    book.add(errorOf("boom went it", { values: { endpoint: i % 3 > 0 ? "/pay" : `/${i}` } }), NOW_MS);
  }
  const [{ values: { endpoint } }] = book.all;
  expect(endpoint.length).toBeLessThanOrEqual(8);
  const [value, count] = [...endpoint].sort((a, b) => b[1] - a[1])[0];
  expect(value).toBe("/pay");
  expect(count).toBeGreaterThan(400);
  expect(count).toBeLessThanOrEqual(600);
});

Deno.test("a request without a message is known by what its fields say, also after a restart", () => {
  const book = bookOf();
  const request = (path: string, status: number) =>
    errorOf(`10.0.0.1 "GET ${path}" ${status}`, { template: `GET /orders/:id answered ${status}` });
  book.add(request("/orders/1", 502), NOW_MS);
  book.add(request("/orders/2", 502), NOW_MS);
  book.add(request("/orders/3", 503), NOW_MS);
  const expected = { "GET /orders/:id answered 502": 2, "GET /orders/:id answered 503": 1 };
  expect(counts(book)).toEqual(expected);
  const again = bookOf();
  again.restore(copies(book.all));
  again.add(request("/orders/4", 503), NOW_MS);
  expect(counts(again)).toEqual({ ...expected, "GET /orders/:id answered 503": 2 });
});

Deno.test("what a person merges counts as one, before and after, and after a restart", () => {
  const book = bookOf();
  const refused = book.add(errorOf("card 1 was refused"), NOW_MS).id;
  const denied = book.add(errorOf("the bank said no to card 1"), NOW_MS).id;
  const decisions = new Decisions([{ kind: "merge", fingerprint: denied, into: refused, ...by }]);
  book.decide(decisions);
  expect(counts(book)).toEqual({ "card <*> was refused": 2 });
  expect(book.add(errorOf("the bank said no to card 2"), NOW_MS).id).toBe(refused);
  const again = bookOf();
  again.restore(copies(book.all));
  again.decide(decisions);
  expect(again.add(errorOf("the bank said no to card 3"), NOW_MS).id).toBe(refused);
  expect(counts(again)).toEqual({ "card <*> was refused": 4 });
});

Deno.test("a merge that is taken back holds no longer, also after a restart, and nothing counts twice", () => {
  const book = bookOf();
  const refused = book.add(errorOf("card 1 was refused"), NOW_MS).id;
  const denied = book.add(errorOf("the bank said no to card 1"), NOW_MS).id;
  book.decide(new Decisions([{ kind: "merge", fingerprint: denied, into: refused, ...by }]));
  book.add(errorOf("the bank said no to card 2"), NOW_MS);
  const again = bookOf();
  again.restore(copies(book.all));
  again.decide(new Decisions([]));
  expect(again.add(errorOf("the bank said no to card 3"), NOW_MS).id).toBe(denied);
  expect(again.find(refused)?.count).toBe(3);
  expect([...again.all].filter(({ mergedInto }) => mergedInto === null).length).toBe(2);
});

Deno.test("a merge that was decided before its fingerprint came holds from its first error on", () => {
  const one = bookOf();
  const refused = one.add(errorOf("card 1 was refused"), NOW_MS).id;
  const denied = one.add(errorOf("the bank said no to card 1"), NOW_MS).id;
  const other = bookOf();
  other.decide(new Decisions([{ kind: "merge", fingerprint: denied, into: refused, ...by }]));
  other.add(errorOf("card 1 was refused"), NOW_MS);
  other.add(errorOf("the bank said no to card 1"), NOW_MS);
  other.add(errorOf("the bank said no to card 2"), NOW_MS);
  expect(counts(other)).toEqual({ "card <*> was refused": 3 });
});

Deno.test("what a person splits is told apart by its text from then on", () => {
  const book = bookOf();
  const { id } = book.add(errorOf("call 1 failed: refused"), NOW_MS);
  for (const word of ["timeout", "reset", "closed", "refused"]) book.add(errorOf(`call 2 failed: ${word}`), NOW_MS);
  expect(counts(book)).toEqual({ "call <*> failed: <*>": 5 });
  book.decide(new Decisions([{ kind: "split", fingerprint: id, contains: "timeout", ...by }]));
  const part = book.add(errorOf("call 3 failed: timeout"), NOW_MS);
  expect(part.id).not.toBe(id);
  expect(book.add(errorOf("call 4 failed: timeout"), NOW_MS).id).toBe(part.id);
  expect(book.add(errorOf("call 4 failed: refused"), NOW_MS).id).toBe(id);
  expect(counts(book)).toEqual({ "call <*> failed: <*>": 6, "call <*> failed: <*> [timeout]": 2 });
});

/** Each of a service of its own, later than all others. */
function flood(book: FingerprintBook, errors: number): void {
  for (let i = 0; i < errors; i++) {
    const service = [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    book.add(errorOf("boom went it", { service, ms: NOW_MS + 1_000 + i }), NOW_MS);
  }
}

Deno.test("what a person has merged, split and named is remembered though a thousand others came since", () => {
  let book = bookOf(100);
  const names = ["alice", "bob", "carol", "dave", "erin"];
  const { id: lookup } = names.map((name) => book.add(errorOf(`lookup of ${name} failed here`), NOW_MS))[0];
  const { id: query } = names.map((name) => book.add(errorOf(`no query for ${name} any more`), NOW_MS))[0];
  const { id: call } = names.map((name) => book.add(errorOf(`calling back ${name} timed out`), NOW_MS))[0];
  const decisions = new Decisions([
    { kind: "merge", fingerprint: lookup, into: query, ...by },
    { kind: "split", fingerprint: call, contains: "fritz", ...by },
    { kind: "name", fingerprint: query, name: "the directory is down", ...by },
  ]);
  book.decide(decisions);
  flood(book, 1_000);
  for (const isRestarted of [false, true]) {
    if (isRestarted) {
      const documents = copies(book.all);
      book = bookOf(100);
      book.restore(documents);
      book.decide(decisions);
    }
    expect(book.size).toBeLessThanOrEqual(100);
    // Nobody has met these names, so that only the template can tell.
    expect(book.add(errorOf("lookup of fritz failed here"), NOW_MS).id).toBe(query);
    expect(book.add(errorOf("no query for gina any more"), NOW_MS).id).toBe(query);
    expect(book.add(errorOf("calling back gina timed out"), NOW_MS).id).toBe(call);
    expect(book.add(errorOf("calling back fritz timed out"), NOW_MS).splitFrom).toEqual({
      id: call,
      contains: "fritz",
    });
    expect(decisions.nameOf(book.add(errorOf("no query for hugo any more"), NOW_MS).id)).toBe("the directory is down");
  }
});

Deno.test("however much people decide, fingerprints stay within their limit", () => {
  const book = bookOf(100);
  book.decide(
    new Decisions(Array.from({ length: 300 }, (_, i) => {
      const { id } = book.add(errorOf("boom", { service: `s${i}` }), NOW_MS + i);
      return { kind: "name", fingerprint: id, name: `boom ${i}`, ...by } as const;
    })),
  );
  flood(book, 300);
  expect(book.size).toBeLessThanOrEqual(100);
});

Deno.test("what a person has decided about a kind holds when the tree finds that it is part of an older one", () => {
  const book = bookOf();
  const lookups = ["alice", "bob", "carol"].map((name) =>
    book.add(errorOf(`lookup of ${name} failed here`), NOW_MS).id
  );
  expect(new Set(lookups).size).toBe(3);
  const other = book.add(errorOf("the directory is down"), NOW_MS).id;
  const decisions = new Decisions([
    { kind: "name", fingerprint: lookups[1], name: "lookups", ...by },
    { kind: "merge", fingerprint: lookups[1], into: other, ...by },
  ]);
  book.decide(decisions);
  const { id } = book.add(errorOf("lookup of dave failed here"), NOW_MS);
  expect(id).toBe(other);
  expect(book.add(errorOf("lookup of erin failed here"), NOW_MS).id).toBe(other);
  expect(book.find(other)?.count).toBe(6);
  const again = bookOf();
  again.restore(copies(book.all));
  again.decide(decisions);
  for (const name of ["alice", "bob", "frida"]) {
    expect(again.add(errorOf(`lookup of ${name} failed here`), NOW_MS).id).toBe(other);
  }
});

Deno.test("merging in a circle counts everything once", () => {
  const book = bookOf();
  const a = book.add(errorOf("card 1 was refused"), NOW_MS).id;
  const b = book.add(errorOf("the bank said no"), NOW_MS).id;
  book.decide(
    new Decisions([
      { kind: "merge", fingerprint: a, into: b, ...by },
      { kind: "merge", fingerprint: b, into: a, ...by },
    ]),
  );
  book.add(errorOf("card 2 was refused"), NOW_MS);
  book.add(errorOf("the bank said no"), NOW_MS);
  expect(Object.values(counts(book))).toEqual([4]);
});

Deno.test("fingerprints stay within their limit, and those that occur stay", () => {
  const book = bookOf(100);
  const kept = book.add(errorOf("card 1 was refused"), NOW_MS).id;
  for (let i = 0; i < 1_000; i++) {
    // Names without digits: each is a service of its own.
    const service = [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    book.add(errorOf("boom went it", { service, ms: NOW_MS + i }), NOW_MS);
    book.add(errorOf("card 2 was refused", { ms: NOW_MS + i }), NOW_MS);
  }
  expect(book.size).toBeLessThanOrEqual(100);
  expect(book.find(kept)?.count).toBe(1_001);
  const { changed, forgotten } = book.takeChanges();
  expect(changed.length).toBe(book.size);
  expect(forgotten.length).toBeGreaterThan(800);
});

const word = fc.constantFrom("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "17", "4.2");
const message = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => `it failed ${words.join(" ")}`);

Deno.test("a restart at any point loses no count", () => {
  fc.assert(fc.property(fc.array(message, { maxLength: 60 }), fc.nat(60), (messages, cut) => {
    let book = bookOf();
    messages.forEach((text, i) => {
      if (i === cut) {
        const again = bookOf();
        again.restore(copies(book.all));
        book = again;
      }
      book.add(errorOf(text), NOW_MS);
    });
    const total = Object.values(counts(book)).reduce((sum, count) => sum + count, 0);
    const roots = [...book.all].filter(({ mergedInto }) => mergedInto === null);
    expect(roots.reduce((sum, { count }) => sum + count, 0)).toBe(messages.length);
    expect(total).toBeLessThanOrEqual(messages.length); // templates of one text count as one here
  }));
});
