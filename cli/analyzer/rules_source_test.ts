import { expect } from "expect";
import { readRules, RulesSource } from "./rules_source.ts";

const SOUND = "rules:\n  - {name: mine, kind: error_rate, above: 0.1}\n";
const UNKNOWN_METRIC = "rules:\n  - {name: mine, kind: threshold, metric: p97, above: 1}\n";
const OVERLAPPING = SOUND + "silences:\n" +
  "  - {match: [service=checkout], until: 2126-03-02T12:00:00Z, comment: one}\n" +
  "  - {match: [severity=critical], until: 2126-04-02T12:00:00Z, comment: two}\n";

Deno.test("a file of rules with a fault is told with its line and what is in force; overlapping silences are told", async () => {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    const told: string[] = [];
    let writes = 0;
    // A change of the file's length is a change, whatever the clock's resolution.
    const write = (text: string) => Deno.writeTextFile(file, text + " ".repeat(++writes));
    const names = () => source.current().rules.map(({ name }) => name);
    await write(UNKNOWN_METRIC);
    const source = new RulesSource(file, (message) => void told.push(message));
    expect(names()).toEqual(readRules("").rules.map(({ name }) => name));
    expect(told).toEqual([
      expect.stringMatching(/:2:\d+: rule mine: metric: .*"p97"; the built-in rules are in force\. correct/),
    ]);
    await write(SOUND);
    expect(names()).toEqual(["mine"]);
    await write(UNKNOWN_METRIC);
    expect(names()).toEqual(["mine"]);
    expect(told.slice(1)).toEqual([expect.stringContaining("the rules before stay in force")]);
    await write(OVERLAPPING);
    expect(names()).toEqual(["mine"]);
    expect(told.slice(2)).toEqual([
      expect.stringMatching(/^warning: .*:5: this silence overlaps with the one at .*:4 /),
    ]);
    await Deno.remove(file);
    expect(names()).toEqual(["mine"]);
    expect(told.slice(3)).toEqual([expect.stringContaining("no such file; the rules before stay in force")]);
    await write(SOUND);
  } finally {
    await Deno.remove(file);
  }
});
