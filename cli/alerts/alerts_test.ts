import { expect } from "expect";
import { join } from "node:path";
import { runCommandLine } from "../program.ts";
import { testTerminal } from "../test_terminal.ts";
import { RulesSource } from "../analyzer/rules_source.ts";

async function run(...args: readonly string[]): Promise<{ status: number; output: string; errors: string }> {
  const terminal = testTerminal();
  const status = await runCommandLine(["alerts", ...args], terminal);
  return { status, output: terminal.output, errors: terminal.errors };
}

async function inFiles(
  files: Readonly<Record<string, string>>,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-alerts-" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(directory, name), text);
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const RULES = "rules:\n  - {name: errors, kind: error_rate, above: 0.05, window: 1m, severity: critical}\n";
const TESTS = `
rules: rules.yaml
tests:
  - name: a minute of errors
    series:
      - labels: {service: shop}
        count: 200x20
        errors: 0x5 40 0x14
    expect:
      - {at: 5m}
      - at: 6m
        alerts: [{rule: errors, labels: {service: shop}, severity: critical}]
      - at: 7m
        alerts: [{rule: errors, state: recovering}]
      - {at: 13m}
    expectNotices:
      - {at: 6m, notices: [{severity: critical, title: errors on shop}]}
      - {at: 12m, notices: [{state: resolved}]}
`;

Deno.test("tests of rules pass, and tell with file and line what is other than expected", async () => {
  await inFiles(
    { "rules.yaml": RULES, "good.yaml": TESTS, "bad.yaml": TESTS.replace("at: 7m", "at: 5m") },
    async (dir) => {
      expect(await run("test", join(dir, "good.yaml"))).toEqual({
        status: 0,
        output: `${join(dir, "good.yaml")}: 1 test: as expected\n`,
        errors: "",
      });
      const bad = await run("test", join(dir, "bad.yaml"));
      expect(bad.status).toBe(1);
      expect(bad.errors).toBe(
        `${join(dir, "bad.yaml")}:13: a minute of errors: at 5m expected errors {} recovering, found none\n`,
      );
    },
  );
});

Deno.test("rows of a test are as they are written: 0x20 is twenty times 0 and no number, one number is a row", async () => {
  const quiet = TESTS.replace("0x5 40 0x14", "0x20").replace(/ {4}expect:[^]*/, "    expect: [{at: 20m}]\n");
  const one = quiet.replace("count: 200x20", "count: 200").replace("errors: 0x20", "errors: 100")
    .replace("{at: 20m}", "{at: 1m, alerts: [{rule: errors}]}");
  await inFiles({ "rules.yaml": RULES, "quiet.yaml": quiet, "one.yaml": one }, async (dir) => {
    for (const file of ["quiet.yaml", "one.yaml"]) {
      expect(await run("test", join(dir, file))).toMatchObject({ status: 0, errors: "" });
    }
  });
});

Deno.test("a file of rules, or of tests, with an error is refused with file, line and remedy", async () => {
  const files = {
    "rules.yaml": "rules:\n  - name: slow\n    kind: threshold\n    metric: latency\n    above: 5\n",
    "tests.yaml": "tests:\n  - name: x\n    series: [{labels: {}, count: 5y3}]\n",
  };
  await inFiles(files, async (dir) => {
    const rules = await run("check", join(dir, "rules.yaml"));
    expect(rules.status).toBe(2);
    expect(rules.errors).toContain(`${join(dir, "rules.yaml")}:4:13: rule slow: metric: expected one of count, errors`);
    expect(rules.errors).toContain("help: correct the file; `deno task alerts rules` prints an example");
    const tests = await run("test", join(dir, "tests.yaml"));
    expect(tests.status).toBe(2);
    expect(tests.errors).toContain(
      `${join(dir, "tests.yaml")}:3:34: tests.0.series.0.count: "5y3" is no row of values`,
    );
    expect((await run("check", join(dir, "none.yaml"))).errors).toContain("none.yaml: no such file");
  });
});

Deno.test("the built-in rules are well, and silences that overlap are told", async () => {
  const { output } = await run("rules");
  const silences = `silences:
  - {match: [service=shop], until: 2999-01-01, comment: a}
  - {match: [severity=critical], until: 2998-01-01, comment: b}
`;
  await inFiles({ "rules.yaml": output, "silences.yaml": RULES + silences }, async (dir) => {
    expect((await run("check", join(dir, "rules.yaml"))).output).toContain(": well\n");
    expect((await run("check", join(dir, "silences.yaml"))).output).toContain(
      `warning: ${join(dir, "silences.yaml")}:5: this silence overlaps with the one at ${join(dir, "silences.yaml")}:4`,
    );
  });
});

Deno.test("a backtest over a scripted scenario finds its incident", async () => {
  const script = "incidents:\n  - {kind: error_burst, service: search, from: +30m, for: 10m, share: 0.5}\n";
  await inFiles({ "rules.yaml": RULES, "script.yaml": script }, async (dir) => {
    const flags = [
      "--from",
      "2026-03-02T10:00:00Z",
      "--to",
      "2026-03-02T11:00:00Z",
      "--history",
      "10m",
      "--rate",
      "10",
    ];
    const files = ["--rules", join(dir, "rules.yaml"), "--script", join(dir, "script.yaml"), "--scenario", "api"];
    const { status, output, errors } = await run("backtest", ...flags, ...files);
    expect([status, errors]).toEqual([0, ""]);
    expect(output).toContain("errors {service=search}: observed");
    expect(output).toMatch(/all: found 1 of 1 incident, 1 woke somebody; median delay \d\.\d minutes; 0 false pages/);
  });
});

Deno.test("a file of rules that breaks while it is followed leaves the rules before in force", async () => {
  await inFiles({ "rules.yaml": RULES }, async (dir) => {
    const file = join(dir, "rules.yaml");
    const notices: string[] = [];
    const source = new RulesSource(file, (message) => void notices.push(message));
    expect(source.current().rules.map(({ name }) => name)).toEqual(["errors"]);
    await Deno.writeTextFile(file, RULES.replace("error_rate", "eror_rate"));
    expect(source.current().rules.map(({ name }) => name)).toEqual(["errors"]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('rules.yaml:2:26: no kind of rule "eror_rate" (did you mean error_rate?)');
    await Deno.writeTextFile(file, RULES.replace("errors", "renamed rule"));
    expect(source.current().rules.map(({ name }) => name)).toEqual(["renamed rule"]);
  });
});
