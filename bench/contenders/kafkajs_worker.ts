/** One of the two workers: JSON.parse, or one expression for access logs, and a Map of cells by a key of text. */
/// <reference lib="deno.worker" />
import { consumer } from "./kafkajs_client.ts";

interface Cell {
  count: number;
  errors: number;
  min: number;
  max: number;
  sum: number;
  bins: Uint32Array;
}
const cells = new Map<string, Cell>();

function add(key: string, value: number, isError: boolean): void {
  let cell = cells.get(key);
  if (cell === undefined) {
    cell = { count: 0, errors: 0, min: Infinity, max: -Infinity, sum: 0, bins: new Uint32Array(1200) };
    cells.set(key, cell);
  }
  cell.count++;
  if (isError) cell.errors++;
  if (value < cell.min) cell.min = value;
  if (value > cell.max) cell.max = value;
  cell.sum += value;
  cell.bins[value <= 0 ? 0 : Math.max(0, Math.min(1199, Math.trunc(Math.log(value) * 49.49) + 350))]++; // 2 % wide
}

const LINE = /^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d{3}) (\d+)/;
const isBad = (level: string, status: number) => level === "ERROR" || level === "FATAL" || status >= 500;
/** Keys begin with as much of the time as names the minute. */
const APPLY: Readonly<Record<string, (text: string) => void>> = {
  json(text) {
    const { "@timestamp": time, level, service, method, path, status, response_time_ms: value } = JSON.parse(text);
    add(
      `${time.slice(0, 16)}\t${service}\t${level}\t${method}\t${path}\t${status}`,
      value,
      isBad(level, status),
    );
  },
  wide(text) {
    const { "@timestamp": time, log: { level }, service, http, url, event } = JSON.parse(text);
    const status = http.response.status_code;
    const key = `${time.slice(0, 16)}\t${service.name}\t${level}\t${http.request.method}\t${url.path}\t${status}`;
    add(key, event.duration / 1e6, isBad(level, status));
  },
  access(text) {
    const found = LINE.exec(text);
    if (found === null) throw new Error(`no access log: ${text}`);
    const [, host, time, method, path, status, size] = found;
    add(`${time.slice(0, 17)}\t${host}\t${path}\t${status}\t${method}`, Number(size), status >= "500");
  },
};

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
function minuteOf(prefix: string): number {
  const access = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d)$/.exec(prefix);
  if (access === null) return Date.parse(`${prefix}Z`) / 60_000;
  const [, day, month, year, hour, minute] = access;
  return Date.UTC(Number(year), MONTHS.indexOf(month), Number(day), Number(hour), Number(minute)) / 60_000;
}

self.onmessage = async ({ data }: MessageEvent) => {
  if (data === "cells") {
    const lines = [...cells].map(([key, { count, errors, min, max, sum }]) => {
      const [prefix, ...dimensions] = key.split("\t");
      return JSON.stringify([minuteOf(prefix), dimensions, count, errors, min, max, sum / count]);
    });
    self.postMessage({ cells: lines });
    return;
  }
  const { brokers, topic, shape, partitions, own } = data;
  const apply = APPLY[shape];
  const isOwn = (partition: number) => own.includes(partition);
  const reader = consumer(brokers, `bench-${crypto.randomUUID()}`);
  await reader.connect();
  await reader.subscribe({ topic, fromBeginning: true });
  await reader.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 2,
    eachBatch: ({ batch, resolveOffset }) => {
      if (!isOwn(batch.partition)) return Promise.resolve();
      self.postMessage({ began: true });
      for (const { value } of batch.messages) if (value !== null) apply(value.toString());
      resolveOffset(batch.lastOffset());
      self.postMessage({ records: batch.messages.length });
      return Promise.resolve();
    },
  });
  // In a group of two a partition that changes hands would be read twice: each has a group of its own instead.
  reader.pause([{ topic, partitions: partitions.filter((partition: number) => !isOwn(partition)) }]);
};
