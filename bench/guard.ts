/**
 * Fails where the engine has become slow: parsing and minute aggregation of record batches, beside JSON.parse alone on the
 * same bytes in the same process. A ratio of best rounds, in turns, so that a slow machine or moment changes little; where
 * it is too low all the same, it is measured again before it counts. Run: deno task guard
 */
import { z } from "zod";

const RATIO_MIN = 2.5;
const TRIES = 4;

const figures = z.object({ rates: z.record(z.string(), z.object({ best: z.number() })) });

async function ratioOfBests(): Promise<number> {
  const script = new URL("./scan.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", script, "--json"] });
  const { code, stdout, stderr } = await command.output();
  if (code !== 0) throw new Error(`bench/scan.ts: exit ${code}\n${new TextDecoder().decode(stderr)}`);
  const { rates } = figures.parse(JSON.parse(new TextDecoder().decode(stdout)));
  return rates["scanner + minute cells"].best / rates["JSON.parse"].best;
}

let best = 0;
for (let tries = 0; tries < TRIES && best < RATIO_MIN; tries++) best = Math.max(best, await ratioOfBests());
console.log(`parsing and aggregation : JSON.parse alone = ${best.toFixed(2)} (at least ${RATIO_MIN.toFixed(1)})`);
if (best < RATIO_MIN) {
  console.error(
    "error: the engine has become slow; bench/scan.ts has the figures, bench/README.md the way to read them",
  );
  Deno.exit(1);
}
