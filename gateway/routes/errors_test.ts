import { expect } from "expect";
import { TopicErrors } from "../../analyzer/errors/topic_errors.ts";
import { Decisions, readDecisions } from "../../core/incidents/decisions.ts";
import { errorsCollection } from "../../core/incidents/documents.ts";
import { NOW_MS, type TestGateway, withGateway } from "../test_gateway.ts";

const MINUTE_MS = 60_000;
const RULES = {
  liveMs: 15 * MINUTE_MS,
  quietMs: 30 * MINUTE_MS,
  regressedMs: 3_600_000,
  groupMs: 120_000,
  staleMs: 1e9,
  incidentsMax: 20,
  keptMs: 1e10,
};

interface Known {
  readonly incident: string;
  readonly fingerprint: string;
  /** Of shop. */
  readonly other: string;
  /** What an analyzer does about decisions. */
  heed(): Promise<void>;
}

/** A topic whose errors an analyzer has read: three of pay, of one kind, and one of shop an hour ago. */
async function withErrors({ log, store }: TestGateway): Promise<Known> {
  const topic = await log.createTopic("app-logs", { partitions: 1 });
  const errors = new TopicErrors(new Map(), {
    redactor: { redact: (text) => text },
    rules: RULES,
    fingerprintsMax: 100,
  });
  const error = { partition: 0, level: "ERROR", template: null, values: { endpoint: "/pay" } };
  const records = [
    { ...error, offset: 0, ms: NOW_MS - 60 * MINUTE_MS, service: "shop", message: "stock is negative", raw: "r0" },
    ...[1, 2, 3].map((i) => ({
      ...error,
      offset: i,
      ms: NOW_MS - i * MINUTE_MS,
      service: "pay",
      message: `card ${i} was refused`,
      raw: `<script>${i}</script>`,
    })),
  ];
  errors.apply({ topicId: topic.id, records, positions: new Map([[0, 10]]), read: 10 }, NOW_MS);
  errors.desk.look(NOW_MS);
  await store.commitDocuments(errorsCollection(topic.id), 0, errors.takeChanges(NOW_MS).puts);
  const [fingerprint, other] = [...errors.book.all].sort((a, b) => a.service < b.service ? -1 : 1);
  const heed = async () => {
    errors.decide(new Decisions((await readDecisions(store, topic.id)).decisions));
    const collection = errorsCollection(topic.id);
    await store.commitDocuments(
      collection,
      await store.documentsVersion(collection),
      errors.takeChanges(NOW_MS).puts,
    );
  };
  return { incident: fingerprint.incident ?? "", fingerprint: fingerprint.id, other: other.id, heed };
}

Deno.test("incidents: open ones first, with their kinds of errors", async () => {
  await withGateway(async (gateway) => {
    const { incident, fingerprint } = await withErrors(gateway);
    const { status, json } = await gateway.ask("/api/v1/incidents?topic=app-logs");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      total: 2,
      incidents: [
        {
          id: incident,
          topic: "app-logs",
          service: "pay",
          state: "open",
          severity: "error",
          title: "card <*> was refused",
          count: 3,
          isTold: true,
          fingerprints: [{ id: fingerprint, reason: "new", count: 3 }],
          summary: null,
          acknowledged: null,
          spark: [...Array(23).fill(0), 3],
        },
        { service: "shop", state: "resolved", isTold: false },
      ],
      analyzer: { records: 10, errors: 4 },
    });
    expect((await gateway.ask("/api/v1/incidents?topic=app-logs&state=resolved&service=pay")).json).toMatchObject({
      total: 0,
    });
    expect((await gateway.ask(`/api/v1/incidents/${incident}?topic=app-logs`)).json).toMatchObject({
      incident: { id: incident },
      fingerprints: [{ id: fingerprint, values: [{ field: "endpoint", value: "/pay", count: 3 }] }],
    });
  });
});

Deno.test("kinds of errors: counts, rates, spark line, lines", async () => {
  await withGateway(async (gateway) => {
    const { fingerprint } = await withErrors(gateway);
    const { json } = await gateway.ask("/api/v1/fingerprints?topic=app-logs&q=REFUSED");
    expect(json).toMatchObject({
      total: 1,
      fingerprints: [{
        id: fingerprint,
        template: "card <*> was refused",
        recent: 3,
        ratePerMinute: 0.6,
        usualPerMinute: null,
        isNew: true,
        isSpike: false,
        awaits: "new",
        exemplars: [{ offset: 3, text: "<script>3</script>" }],
      }],
    });
    expect((await gateway.ask(`/api/v1/fingerprints/${fingerprint}?topic=app-logs`)).json).toMatchObject({ count: 3 });
  });
});

Deno.test("decisions are kept and shown, and those about nothing are refused", async () => {
  await withGateway(async (gateway) => {
    const { incident, fingerprint } = await withErrors(gateway);
    const decide = (body: Record<string, unknown>) =>
      gateway.ask("/api/v1/decisions?topic=app-logs", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    expect((await decide({ kind: "acknowledge", incident, by: "ada" })).status).toBe(200);
    expect((await decide({ kind: "name", fingerprint, name: "Refused cards", by: "ada" })).status).toBe(200);
    expect((await decide({ kind: "silence", target: "service", id: "pay", minutes: 30, by: "ada" })).status).toBe(200);
    expect((await decide({ kind: "verdict", incident, verdict: "useful", by: "bob" })).status).toBe(200);
    expect((await gateway.ask(`/api/v1/incidents/${incident}?topic=app-logs`)).json).toMatchObject({
      incident: {
        state: "acknowledged",
        title: "Refused cards",
        acknowledged: { by: "ada" },
        silenced: {
          by: "ada",
          until: new Date(NOW_MS + 30 * MINUTE_MS).toISOString(),
          target: "service",
          id: "pay",
        },
        verdicts: [{ by: "bob", verdict: "useful" }],
      },
    });
    await decide({ kind: "silence", target: "service", id: "pay", minutes: 0, by: "ada" });
    expect((await gateway.ask(`/api/v1/incidents/${incident}?topic=app-logs`)).json).toMatchObject({
      incident: { silenced: null },
    });
    const refused = await decide({ kind: "merge", fingerprint, into: "nothing" });
    expect(refused.status).toBe(400);
    expect(refused.text).toContain("there is no fingerprint nothing");
    expect((await decide({ kind: "explode" })).status).toBe(400);
    const misplaced = await decide({ kind: "merge", fingerprint, into: fingerprint, topic: "app-logs" });
    expect([misplaced.status, misplaced.json]).toEqual([
      400,
      expect.objectContaining({ detail: "topic: the body has no such field" }),
    ]);
  });
});

Deno.test("what was merged and split is told, before and after the analyzer has done it", async () => {
  await withGateway(async (gateway) => {
    const { fingerprint, other, heed } = await withErrors(gateway);
    const decide = (body: Record<string, unknown>) =>
      gateway.ask("/api/v1/decisions?topic=app-logs", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    const one = async (id: string) => (await gateway.ask(`/api/v1/fingerprints/${id}?topic=app-logs`)).json;
    await decide({ kind: "split", fingerprint, contains: "card 9" });
    await decide({ kind: "merge", fingerprint: other, into: fingerprint });
    expect(await one(other)).toMatchObject({ id: other, mergesInto: fingerprint, merged: [] });
    expect(await one(fingerprint)).toMatchObject({ splits: ["card 9"], mergesInto: null, merged: [] });
    await heed();
    expect(await one(other)).toMatchObject({
      id: fingerprint,
      count: 4,
      merged: [{ id: other, template: "stock is negative", count: 1 }],
    });
    expect((await gateway.ask("/api/v1/fingerprints?topic=app-logs")).json).toMatchObject({
      total: 1,
      services: ["pay"],
    });
  });
});

Deno.test("a topic that no analyzer has read has no errors, and says so", async () => {
  await withGateway(async ({ ask, log }) => {
    await log.createTopic("app-logs", { partitions: 1 });
    expect((await ask("/api/v1/incidents?topic=app-logs")).json).toEqual({
      incidents: [],
      total: 0,
      analyzer: { readAt: null, records: 0, errors: 0, author: "", trouble: null, asked: 0, tokens: 0, usd: 0 },
    });
    expect((await ask("/api/v1/incidents/none?topic=app-logs")).status).toBe(404);
    expect((await ask("/api/v1/fingerprints?topic=nothing")).status).toBe(404);
  });
});
