/** What transactions leave behind: only committed records are read, whatever lies between them, and as far as is decided. */
import { Buffer } from "node:buffer";
import { expect } from "expect";
import type { Producer, Transaction } from "kafkajs";
import { texts } from "../../core/log/test_batches.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { kafkaTest, otherClient, readChain, until } from "./kafka_for_tests.ts";

/** A producer whose transactions are its own. */
async function transactional(opened: AsyncDisposableStack): Promise<Producer> {
  const producer = otherClient().producer({
    transactionalId: `tx-${crypto.randomUUID()}`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  opened.defer(() => producer.disconnect());
  return producer;
}

/** Sends them to partition 0 as one batch, and answers the offset of the first. */
async function send(to: Transaction | Producer, topic: string, values: readonly (string | null)[]): Promise<number> {
  const [{ baseOffset }] = await to.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
  return Number(baseOffset);
}

kafkaTest(
  "aborted records are never read, however many fetches their transactions span",
  {},
  async ({ topic, reader, opened }) => {
    const random = randomFrom(11);
    // Several at a time, so that their records interleave and end in another order than they began.
    const producers = await Promise.all(Array.from({ length: 4 }, () => transactional(opened)));
    const plain = otherClient().producer();
    await plain.connect();
    opened.defer(() => plain.disconnect());
    const open = new Map<number, { readonly transaction: Transaction; readonly sent: [number, string][] }>();
    const byOffset = new Map<number, string>();
    let total = 0;
    const end = async (index: number, isCommitted: boolean) => {
      const { transaction, sent } = open.get(index) ?? { transaction: null, sent: [] };
      open.delete(index);
      await (isCommitted ? transaction?.commit() : transaction?.abort());
      if (sent.length > 0) total++; // its marker
      if (isCommitted) { for (const [offset, value] of sent) byOffset.set(offset, value); }
    };
    for (let step = 0; step < 160; step++) {
      const index = Math.floor(random() * 5);
      const values = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => `${step}/${i}`.padEnd(300));
      const known = open.get(index);
      if (index < 4 && known === undefined) {
        open.set(index, { transaction: await producers[index].transaction(), sent: [] });
      } else if (index < 4 && random() < 0.25) {
        await end(index, random() < 0.5);
      } else {
        const first = await send(known?.transaction ?? plain, topic.name, values);
        total += values.length;
        values.forEach((value, i) =>
          known === undefined ? byOffset.set(first + i, value) : known.sent.push([first + i, value])
        );
      }
    }
    for (const index of [...open.keys()]) await end(index, false);
    const committed = [...byOffset].sort(([a], [b]) => a - b).map(([offset, value]) => `${offset}: ${value.trim()}`);
    const read = async (from: number, maxBytes: number) =>
      (await readChain(reader(0), from, maxBytes)).records.map(({ offset, value }) =>
        `${offset}: ${new TextDecoder().decode(value ?? undefined).trim()}`
      );
    // Markers are written in their own time.
    await until("every transaction has ended", async () => (await reader(0).fetch(0, 1, 0)).end === total);
    for (const maxBytes of [1, 700, 5_000, 1_000_000]) expect(await read(0, maxBytes)).toEqual(committed);
    // From any offset, also from within an aborted transaction.
    for (let from = 0; from < total; from += 17) {
      const rest = committed.filter((record) => parseInt(record) >= from);
      expect({ from, read: await read(from, 900) }).toEqual({ from, read: rest });
    }
  },
);

kafkaTest(
  "what lies beyond an open transaction is not read, and is told to be there",
  {},
  async ({ log, topic, reader, opened }) => {
    const plain = otherClient().producer();
    await plain.connect();
    opened.defer(() => plain.disconnect());
    await send(plain, topic.name, ["before"]);
    const transaction = await (await transactional(opened)).transaction();
    await send(transaction, topic.name, ["open"]);
    await send(plain, topic.name, ["after", "later"]);
    const own = reader(0);
    const { records, next } = await readChain(own);
    expect([texts(records), next]).toEqual([["before"], 1]);
    expect(await own.fetch(1, 1024, 50)).toMatchObject({ next: 1, end: 1, bytes: new Uint8Array(0) });
    expect(await log.ends(topic)).toMatchObject([{ partition: 0, start: 0, end: 1, written: 4 }]);
    // By which lag is told in seconds.
    expect(await log.timestampAt(topic, 0, 1)).toBeGreaterThan(Date.now() - 3_600_000);
    await transaction.abort();
    await until("the transaction has ended", async () => (await log.ends(topic))[0].end === 5);
    const rest = await readChain(own, 1);
    expect([texts(rest.records), rest.next]).toEqual([["after", "later"], 5]);
    expect(await log.ends(topic)).toMatchObject([{ end: 5, written: 5 }]);
  },
);

kafkaTest(
  "where nothing but markers is left, reading gets to the end",
  {},
  async ({ log, topic, reader, opened }) => {
    const producer = await transactional(opened);
    for (let i = 0; i < 5; i++) {
      const transaction = await producer.transaction();
      await send(transaction, topic.name, [`${i}`, null]);
      await transaction.abort();
    }
    await until("every transaction has ended", async () => (await log.ends(topic))[0].end === 15);
    for (const maxBytes of [1, 100_000]) {
      const { records, next } = await readChain(reader(0), 0, maxBytes);
      expect([records, next]).toEqual([[], 15]);
    }
  },
);

kafkaTest(
  "a key of an aborted record that looks like a marker's does not end its transaction",
  {},
  async ({ log, topic, reader, opened }) => {
    const transaction = await (await transactional(opened)).transaction();
    // Version 0, type 0: as an abort marker has it.
    for (const value of ["one", "two"]) {
      await transaction.send({
        topic: topic.name,
        messages: [{ key: Buffer.from([0, 0, 0, 0]), value, partition: 0 }],
      });
    }
    await transaction.abort();
    await until("it has ended", async () => (await log.ends(topic))[0].end === 3);
    expect((await readChain(reader(0))).records).toEqual([]);
  },
);
