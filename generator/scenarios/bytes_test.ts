/** Topics that were made by an earlier version are made again byte for byte: `--resume` and recomputed truth rely on it. */
import { createHash } from "node:crypto";
import { expect } from "expect";
import { readScript } from "../script/load.ts";
import { SCENARIOS } from "./registry.ts";
import { RECORD_ROOM_BYTES } from "./scenario.ts";

const START_MS = Date.UTC(2026, 1, 28, 23, 50);
const RECORDS = 20_000;

/** Each kind that changes records, over the end of a day and of a month. */
const SCRIPT = `
incidents:
  - { kind: error_burst, from: +1m, for: 3m }
  - { kind: latency_step, from: +5m, for: 3m }
  - { kind: new_error, from: +9m, for: 3m, message: "lock <id> is < \\"held\\"", share: 0.3 }
  - { kind: clock_skew, from: +13m, for: 2m, by: -26h }
  - { kind: late_records, from: +15m, for: 2m, by: 2h }
  - { kind: duplicate_records, from: +17m, for: 2m, share: 0.2 }
  - { kind: unparsable_records, from: +19m, for: 2m }
`;

/** A scenario whose records are meant to change gets a new one: topics of before are no prefix of its topics then. */
const DIGESTS: Readonly<Record<string, string>> = {
  api: "6799eb0cc698dee1ce279bdfbfbb84198413ced60f2c5ea3a64cef47c8656e96",
  access: "be09a7b3f298f9d06728caacb2e26b695b397e05357cbd753b8e701a64982262",
  payment: "dc7d39cef97dba92d2d8bc4d36cc611ff084fbfc105513a636da8ac7875ec20e",
  mixed: "48df870917e232a95a9dbfef867a4204e70f6246369c8a015d14c19835b09882",
};

for (const scenario of SCENARIOS) {
  Deno.test(`records of ${scenario.name} are those of earlier versions, byte for byte`, () => {
    const { incidents } = readScript(SCRIPT, "script", START_MS);
    const hash = createHash("sha256");
    for (const framing of [null, { encoding: "avro", schemaId: 7 } as const]) {
      const writer = scenario.create(11, incidents, framing);
      const out = new Uint8Array(3 * RECORD_ROOM_BYTES);
      for (let i = 0, previousMs = NaN; i < RECORDS; i++) {
        const timestampMs = START_MS + Math.floor(i * 1_320_000 / RECORDS);
        const end = writer.write(i & 3, i, timestampMs, out, 5, previousMs);
        hash.update(out.subarray(5, end));
        previousMs = timestampMs;
      }
    }
    expect(hash.digest("hex")).toBe(DIGESTS[scenario.name]);
  });
}
