import { expect } from "expect";
import { z } from "zod";
import { RecordBatchBuilder } from "../../core/log/record_batch.ts";
import { type TestGateway, withGateway } from "../test_gateway.ts";

const page = z.object({
  start: z.int(),
  end: z.int(),
  next: z.int(),
  records: z.array(z.object({
    offset: z.int(),
    timestamp: z.string(),
    key: z.string().nullable(),
    value: z.string().nullable(),
    valueBytes: z.int(),
  })),
});

const START_MS = Date.UTC(2026, 2, 1, 11);
const COUNT = 300;
const text = new TextEncoder();

/** Records a second apart in batches of seven: the value tells the offset, every third has a key. */
async function fill({ log }: TestGateway): Promise<void> {
  const topic = await log.createTopic("shop", { partitions: 2 });
  for (let from = 0; from < COUNT; from += 7) {
    const builder = new RecordBatchBuilder();
    for (let i = from; i < Math.min(COUNT, from + 7); i++) {
      builder.add(text.encode(`Record ${i}.`), START_MS + i * 1000, i % 3 === 0 ? text.encode(`Key-${i}`) : null);
    }
    await log.append(topic, 1, builder.finish());
  }
}

Deno.test("records of the log are read from an offset, an end or a time on, a page at a time", async () => {
  await withGateway(async (gateway) => {
    await fill(gateway);
    const ask = async (query: string) => {
      const { status, json, text } = await gateway.ask(`/api/v1/topics/shop/records?partition=1&${query}`);
      expect({ status, text }).toMatchObject({ status: 200 });
      return page.parse(json);
    };
    const offsets = (of: z.infer<typeof page>) => of.records.map(({ offset }) => offset);
    const newest = await ask("limit=3");
    expect(newest).toMatchObject({ start: 0, end: COUNT, next: COUNT });
    expect(newest.records).toEqual([297, 298, 299].map((i) => ({
      offset: i,
      timestamp: new Date(START_MS + i * 1000).toISOString(),
      key: i % 3 === 0 ? `Key-${i}` : null,
      value: `Record ${i}.`,
      valueBytes: `Record ${i}.`.length,
    })));
    expect(offsets(await ask("offset=earliest&limit=2"))).toEqual([0, 1]);
    const all: number[] = [];
    for (let next = 0; next < COUNT;) {
      const some = await ask(`offset=${next}&limit=37`);
      all.push(...offsets(some));
      next = some.next;
    }
    expect(all).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    expect(offsets(await ask(`offset=${COUNT}`))).toEqual([]);
    for (const second of [0, 97, 98, 100, 104, 105, 299]) {
      const time = new Date(START_MS + second * 1000).toISOString();
      expect(offsets(await ask(`time=${time}&limit=1`))).toEqual([second]);
    }
    expect(offsets(await ask("time=2020-01-01&limit=1"))).toEqual([0]);
    expect(offsets(await ask("time=2026-03-01T13:00:00Z"))).toEqual([]);
    expect(offsets(await ask("offset=earliest&q=record%2029."))).toEqual([29]);
    expect(offsets(await ask("offset=earliest&q=key-29"))).toEqual([291, 294, 297]);
    expect(offsets(await ask("offset=earliest&key=Key-29"))).toEqual([]); // the whole key, in its own case
    expect(offsets(await ask("offset=earliest&key=Key-294"))).toEqual([294]);
    expect(offsets(await ask("offset=earliest&key=Key-294&q=record%20295"))).toEqual([]);
    const nothing = await ask("offset=10&q=nowhere");
    expect(nothing).toMatchObject({ records: [], next: COUNT });
  });
});

Deno.test("values that are no text are shown, and a record without one has none", async () => {
  await withGateway(async ({ ask, log }) => {
    const topic = await log.createTopic("odd", { partitions: 1 });
    const builder = new RecordBatchBuilder();
    builder.add(Uint8Array.of(0xff, 0x41), START_MS);
    builder.add(new Uint8Array(0), START_MS, Uint8Array.of(0xfe));
    await log.append(topic, 0, builder.finish());
    const { json } = await ask("/api/v1/topics/odd/records");
    expect(page.parse(json).records.map(({ key, value, valueBytes }) => [key, value, valueBytes])).toEqual([
      [null, "\\xffA", 2],
      ["\\xfe", "", 0],
    ]);
  });
});

Deno.test("what is not there is refused with what there is", async () => {
  await withGateway(async (gateway) => {
    await fill(gateway);
    const refused = async (path: string, status: number, words: string) => {
      const answer = await gateway.ask(`/api/v1/topics/${path}`);
      expect({ path, status: answer.status }).toEqual({ path, status });
      expect(answer.text).toContain(words);
    };
    await refused("shop/records?partition=2", 400, "there are 0 to 1");
    await refused("shop/records?partition=1&offset=301", 400, "it holds 0 to 299");
    await refused("shop/records?offset=-1", 400, "an offset, earliest or latest is expected");
    await refused("shop/records?time=yesterday", 400, "is not a time");
    await refused("shop/records?limit=1001", 400, "from 1 to 1000");
    await refused("shops/records", 404, "did you mean shop");
  });
});
