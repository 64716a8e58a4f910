/**
 * A process for a test, which may kill it: an analyzer's way to the model, on a store that others spend the budget of, too.
 * Says that it is ready, waits for a line, asks about some errors at once, and prints what became of each.
 */
import { z } from "zod";
import { createSummarizer } from "../../analyzer/summaries/summarizer.ts";
import { errorFacts } from "../../analyzer/summaries/test_facts.ts";
import { configSchema } from "../../core/config/schema.ts";
import { openStore } from "../../core/store/registry.ts";

const order = z.object({
  name: z.string(),
  cassandra: z.unknown(),
  mistral: z.unknown(),
  nowMs: z.number(),
  errors: z.number(),
}).parse(JSON.parse(Deno.args[0]));
const { name, nowMs, errors } = order;
const config = configSchema.parse({ cassandra: order.cassandra, mistral: order.mistral });
const store = await openStore("cassandra", config);
const summarizer = await createSummarizer(config.mistral, {
  now: () => nowMs,
  random: Math.random,
  wait: () => Promise.resolve(),
  notice: () => {},
  ledger: store,
});
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
await Promise.all(Array.from({ length: errors }, async (_, i) => {
  const facts = errorFacts({ fingerprint: `${name}-${i}` });
  console.log((await summarizer.summarize(facts, new AbortController().signal)).kind);
}));
await store.close();
