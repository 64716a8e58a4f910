import { expect } from "expect";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { z } from "zod";
import { configSchema } from "../core/config/schema.ts";
import { ERROR_CODES, MillraceError } from "../core/errors.ts";
import { reportFailure } from "./failure.ts";
import { runCommandLine } from "./program.ts";
import { testTerminal } from "./test_terminal.ts";

interface Run {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/** What a person who tests on a cluster has set: these tests are about the embedded parts. */
const CLUSTER = ["KAFKA_BROKERS", "CASSANDRA_CONTACT_POINTS"];

async function run(...args: string[]): Promise<Run> {
  const terminal = testTerminal();
  const set = CLUSTER.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of CLUSTER) Deno.env.delete(name);
  try {
    const status = await runCommandLine(args, terminal);
    return { status, output: terminal.output, errors: terminal.errors };
  } finally {
    for (const [name, value] of set) if (value !== undefined) Deno.env.set(name, value);
  }
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-cli-" });
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const COMMANDS = [
  "dev",
  "produce",
  "engine",
  "gateway",
  "analyzer",
  "generate",
  "migrate",
  "supervise",
  "status",
  "alerts",
  "doctor",
  "config",
  "version",
];

Deno.test("the help names every command, gives examples and ends with 0", async () => {
  const { status, output, errors } = await run("--help");
  expect([status, errors]).toEqual([0, ""]);
  for (const command of COMMANDS) expect(output).toMatch(new RegExp(`^  ${command} +[A-Z]`, "m"));
  expect(output).toContain("Examples:");
  expect(output).toContain("MILLRACE_GATEWAY_PORT=9000");
});

Deno.test("every command has help of its own that fits 120 columns", async () => {
  for (const command of COMMANDS) {
    const { status, output } = await run(command, "--help");
    expect(status).toBe(0);
    expect(output).toMatch(new RegExp(`^Usage: deno task ${command} \\[options\\]`));
    expect(Math.max(...output.split("\n").map((line) => line.length))).toBeLessThanOrEqual(122);
  }
});

Deno.test("the version is printed for --version", async () => {
  expect(await run("--version")).toMatchObject({
    status: 0,
    output: expect.stringMatching(/^millrace \d+\.\d+\.\d+\n$/),
  });
});

Deno.test("no command at all prints the help and ends with 2", async () => {
  const { status, errors } = await run();
  expect(status).toBe(2);
  expect(errors).toMatch(/^Usage: /);
});

Deno.test("a misspelt command or option is answered with the likely one", async () => {
  expect(await run("prodcue")).toEqual({
    status: 2,
    output: "",
    errors: "error: unknown command 'prodcue'\n  help: did you mean produce?\n",
  });
  expect((await run("dev", "--prot", "1")).errors).toContain("help: did you mean --port?");
  expect((await run("produce", "--topik", "x")).errors).toContain("help: did you mean --topic?");
});

Deno.test("an option that is refused is named, before anything is opened", async () => {
  const refusals: [string[], string][] = [
    [["dev", "--port", "99999"], "--port: gateway.port: expected a whole number from 0 to 65535, found 99999"],
    [["dev", "--workers", "many"], '--workers: engine.workers: expected a whole number from 0 to 256, found "many"'],
    [["produce", "--topic", "a b", "--file", "x"], '--topic "a b": not the name of a topic'],
    [["produce", "--topic", "t", "--file", "x", "--format", "jsn"], 'no format "jsn" (did you mean json?)'],
    [["produce", "--topic", "t", "--file", "x", "--limit", "-1"], "'--limit <n>' argument '-1' is invalid"],
    [["produce", "--topic", "t", "--file", "x", "--url", "localhost"], "--url localhost: not an address"],
    [["produce", "--file", "x"], "no topic to write to"],
  ];
  for (const [args, message] of refusals) {
    const { status, errors } = await run(...args);
    expect(status).toBe(2);
    expect(errors).toContain(message);
    expect(errors).toMatch(/^error: .*\n {2}help: .*\n$/);
  }
});

Deno.test("a configuration that was named and is missing is an error", async () => {
  const { status, errors } = await run("config", "--config", "none.yaml");
  expect(status).toBe(ERROR_CODES.FILE_UNAVAILABLE);
  expect(errors).toMatch(/^error: configuration none.yaml: no such file\n {2}help: /);
});

Deno.test("config prints what can be read back, with the origin of each value", async () => {
  await inDirectory(async (directory) => {
    const file = `${directory}/millrace.yaml`;
    await Deno.writeTextFile(file, "gateway:\n  port: 9000\ntopics:\n  web:\n    mapping: { level: [lvl] }\n");
    const { status, output } = await run("config", "--config", file);
    expect(status).toBe(0);
    expect(parse(output)).toEqual(
      configSchema.parse({ gateway: { port: 9000 }, topics: { web: { mapping: { level: ["lvl"] } } } }),
    );
    expect(output).toContain(`  port: 9000 # ${file}:2\n`);
    expect(output).toContain("  host: 127.0.0.1 # default\n");
    expect(output).toContain(`      level: [ lvl ] # ${file}:5\n`);
    expect(await run("config", "--check", "--config", file)).toEqual({ status: 0, output: "", errors: "" });
  });
});

Deno.test("a topic in a format that no parser has is refused", async () => {
  await inDirectory(async (directory) => {
    const file = `${directory}/millrace.yaml`;
    await Deno.writeTextFile(file, "topics:\n  web:\n    format: acess\n");
    const { status, errors } = await run("config", "--check", "--config", file);
    expect(status).toBe(2);
    expect(errors).toContain('topics.web.format: no format "acess" (did you mean access?)');
  });
});

Deno.test("every error code ends a command with its own status, one line and a remedy", () => {
  for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]) {
    const terminal = testTerminal();
    expect(reportFailure(new MillraceError(code, "what was wrong", "what to do"), terminal)).toBe(ERROR_CODES[code]);
    expect(terminal.errors).toBe("error: what was wrong\n  help: what to do\n");
  }
});

Deno.test("an unexpected error keeps its stack and asks for a report", () => {
  const terminal = testTerminal();
  expect(reportFailure(new TypeError("x is not a function"), terminal)).toBe(1);
  expect(terminal.errors).toMatch(/^error: unexpected, please report it[^]*TypeError: x is not a function\n\s+at /);
});

const topics = z.string().regex(/^\d+ topics?, not in use$/);

Deno.test("produce writes a file into a data directory, and doctor finds it well", async () => {
  await inDirectory(async (directory) => {
    const file = `${directory}/lines.log.gz`;
    await Deno.writeFile(file, gzipSync("a 1\r\n\nb 2\nc 3"));
    const data = `${directory}/data`;
    const produced = await run("produce", "--file", file, "--topic", "shop", "--data", data, "--partitions", "2");
    expect(produced.output).toMatch(
      /^produced 3 records \(9 B\) to shop, 2 partitions, in .*; 1 empty line left out\n$/,
    );
    expect(produced.status).toBe(0);

    const doctor = await run("doctor", "--data", data, "--json");
    const { checks } = z.object({
      checks: z.array(z.object({ name: z.string(), state: z.string(), message: z.string() })),
    })
      .parse(JSON.parse(doctor.output));
    expect(topics.parse(checks.find(({ name }) => name === "data")?.message)).toBe("1 topic, not in use");
    expect(checks.filter(({ name, state }) => state === "fail" && name !== "port")).toEqual([]);
  });
});

Deno.test("a topic that is there keeps its partitions unless it is reset", async () => {
  await inDirectory(async (directory) => {
    const file = `${directory}/lines.log`;
    await Deno.writeTextFile(file, "a\nb\n");
    const produce = (...args: string[]) =>
      run("produce", "--file", file, "--topic", "shop", "--data", `${directory}/data`, ...args);
    await produce("--partitions", "2", "--format", "json");
    expect(await produce("--partitions", "3")).toMatchObject({ status: 2 });
    expect((await produce("--format", "access")).errors).toContain("topic shop is there already, its format: json");
    expect((await produce("--reset")).output).toContain("2 partitions");
    expect((await produce("--reset", "--partitions", "3")).output).toContain(
      "produced 2 records (2 B) to shop, 3 partitions",
    );
  });
});

Deno.test("a file that isn't there costs no topic, also with --reset", async () => {
  await inDirectory(async (directory) => {
    const { status, errors } = await run(
      "produce",
      "--file",
      `${directory}/none`,
      "--topic",
      "t",
      "--reset",
      "--data",
      `${directory}/d`,
    );
    expect(status).toBe(ERROR_CODES.FILE_UNAVAILABLE);
    expect(errors).toContain("none: no such file");
    await expect(Deno.stat(`${directory}/d`)).rejects.toThrow(Deno.errors.NotFound);
  });
});
