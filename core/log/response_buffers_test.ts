import { expect } from "expect";
import { ResponseBuffers } from "./response_buffers.ts";

Deno.test("what was given back is filled again, and nothing else", () => {
  const buffers = new ResponseBuffers();
  const first = buffers.take(100_000);
  const second = buffers.take(100_000);
  expect(first.length).toBe(100_000);
  expect(second.buffer).not.toBe(first.buffer);
  buffers.give(first);
  const third = buffers.take(131_072);
  expect(third.buffer).toBe(first.buffer);
  expect(third.length).toBe(131_072);
  expect(buffers.take(100_000).buffer).not.toBe(first.buffer);
});

Deno.test("another size gets memory of its own", () => {
  const buffers = new ResponseBuffers();
  const small = buffers.take(70_000);
  buffers.give(small);
  expect(buffers.take(131_073).buffer.byteLength).toBe(262_144);
  expect(buffers.take(131_072).buffer).toBe(small.buffer);
});

Deno.test("what lies unused has an end, and small responses are not kept", () => {
  const buffers = new ResponseBuffers();
  const many = Array.from({ length: 20 }, () => buffers.take(1_048_576));
  for (const each of many) buffers.give(each);
  const kept = new Set(many.map(({ buffer }) => buffer));
  const again = Array.from({ length: 20 }, () => buffers.take(1_048_576));
  expect(again.filter(({ buffer }) => kept.has(buffer)).length).toBe(16);
  const small = buffers.take(1_000);
  expect(small.buffer.byteLength).toBe(1_000);
  buffers.give(small);
  expect(buffers.take(1_000).buffer).not.toBe(small.buffer);
});

Deno.test("many small ones that lie unused make room for large ones, and not the other way round", () => {
  const buffers = new ResponseBuffers();
  const small = Array.from({ length: 256 }, () => buffers.take(65_536));
  for (const each of small) buffers.give(each);
  const large = buffers.take(1_048_576);
  buffers.give(large);
  expect(buffers.take(1_048_576).buffer).toBe(large.buffer);
  // Of the small ones as many are left as have room beside it.
  buffers.give(large);
  const kept = new Set(small.map(({ buffer }) => buffer));
  const again = Array.from({ length: 256 }, () => buffers.take(65_536));
  expect(again.filter(({ buffer }) => kept.has(buffer)).length).toBe(240);

  const others = Array.from({ length: 16 }, () => buffers.take(1_048_576));
  for (const each of others) buffers.give(each);
  buffers.give(small[0]);
  expect(buffers.take(65_536).buffer).not.toBe(small[0].buffer);
});
