import { expect } from "expect";
import fc from "fast-check";
import { MillraceError } from "../errors.ts";
import { CONFIG_KEYS } from "./keys.ts";
import { type ConfigSources, loadConfig, traceConfig } from "./load.ts";
import { configSchema, topicSettingsOf } from "./schema.ts";

const refuseToRead = (): string => {
  throw new Error("no file should be read");
};

function fromYaml(text: string, more: Partial<ConfigSources> = {}): ConfigSources {
  return { file: "millrace.yaml", env: {}, readText: () => text, ...more };
}

function refusalOf(sources: ConfigSources): string {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "INVALID_CONFIG") return error.message;
    throw error;
  }
  throw new Error("the configuration was taken");
}

Deno.test("no file and an empty environment give the defaults", () => {
  const config = loadConfig({ env: {}, readText: refuseToRead });
  expect(config).toEqual(configSchema.parse({}));
  expect(config.gateway.port).toBe(8080);
  expect(config.data).toBe("./data");
});

Deno.test("a file sets what it names and leaves the rest", () => {
  const config = loadConfig(fromYaml("gateway:\n  port: 9000\ntopics:\n  web:\n    format: access\n"));
  expect(config.gateway).toMatchObject({ port: 9000, host: "127.0.0.1" });
  expect(config.topics.web).toMatchObject({ format: "access", timeZone: "UTC" });
});

Deno.test("the environment wins over the file, and the command line over both", () => {
  const yaml = "data: from-file\ngateway:\n  port: 1000\nengine:\n  workers: 1\n";
  const { config, originOf } = traceConfig(fromYaml(yaml, {
    env: { MILLRACE_GATEWAY_PORT: "2000", MILLRACE_ENGINE_WORKERS: "2", PATH: "/bin" },
    flags: [{ key: "gateway.port", flag: "--port", value: 3000 }],
  }));
  expect([config.data, config.engine.workers, config.gateway.port]).toEqual(["from-file", 2, 3000]);
  expect(originOf(["data"])).toBe("millrace.yaml:1");
  expect(originOf(["engine", "workers"])).toBe("MILLRACE_ENGINE_WORKERS");
  expect(originOf(["gateway", "port"])).toBe("--port");
  expect(originOf(["gateway", "host"])).toBe("default");
});

Deno.test("a value of the wrong kind is named with line, column and what was expected", () => {
  expect(refusalOf(fromYaml("gateway:\n  host: 0.0.0.0\n  port: eighty\n")))
    .toBe('millrace.yaml:3:9: gateway.port: expected a whole number from 0 to 65535, found "eighty"');
});

Deno.test("every problem is told at once", () => {
  const lines = refusalOf(fromYaml("gateway:\n  port: -1\nlog:\n  fsync: sometimes\nstore: 5\n")).split("\n");
  expect(lines.map((line) => line.trim())).toEqual([
    "millrace.yaml:2:9: gateway.port: expected a whole number from 0 to 65535, found -1",
    'millrace.yaml:4:10: log.fsync: expected one of always, interval, never, found "sometimes"',
    "millrace.yaml:5:8: store: expected a mapping of keys to values, found 5",
  ]);
});

Deno.test("an unknown key is named where it stands, with the likely one", () => {
  expect(refusalOf(fromYaml("gateway:\n  prot: 80\n")))
    .toBe("millrace.yaml:2:3: gateway.prot: no such key (did you mean port?)");
  expect(refusalOf(fromYaml("egnine:\n  workers: 2\n"))).toContain("egnine: no such key (did you mean engine?)");
  expect(refusalOf(fromYaml("topics:\n  web:\n    timezone: UTC\n"))).toContain("did you mean timeZone?");
  expect(refusalOf(fromYaml("topics:\n  web:\n    mapping:\n      levle: [lvl]\n"))).toContain("did you mean level?");
  expect(refusalOf(fromYaml("zzzzzz: 1\n"))).toContain("known: data, gateway, engine");
});

Deno.test("a topic's name and time zone are checked", () => {
  expect(refusalOf(fromYaml("topics:\n  a b: {}\n"))).toMatch(/^millrace.yaml:2:3: topics.a b: a topic is 1 to 249/);
  expect(refusalOf(fromYaml("topics:\n  web:\n    timeZone: Mars/Base\n")))
    .toMatch(/^millrace.yaml:3:15: topics.web.timeZone: "Mars\/Base" is not a time zone/);
});

Deno.test("a section whose lines are all commented out is an empty one", () => {
  expect(loadConfig(fromYaml("gateway:\n#  port: 9000\ntopics:\n  web:\n"))).toMatchObject({
    gateway: { port: 8080 },
    topics: { web: { timeZone: "UTC" } },
  });
  expect(loadConfig(fromYaml(""))).toEqual(configSchema.parse({}));
  expect(loadConfig(fromYaml("# nothing yet\n"))).toEqual(configSchema.parse({}));
});

Deno.test("a key without a value is refused with the way out", () => {
  expect(refusalOf(fromYaml("gateway:\n  port:\n"))).toMatch(
    /gateway.port: expected .*, found nothing \(leave the line/,
  );
});

Deno.test("what is not YAML, or not a mapping, is refused with its place", () => {
  expect(refusalOf(fromYaml("gateway:\n  port: [1\n"))).toMatch(/^millrace.yaml:\d+:\d+: /);
  expect(refusalOf(fromYaml("gateway:\n  port: 1\n  port: 2\n"))).toMatch(
    /^millrace.yaml:3:3: Map keys must be unique/,
  );
  expect(refusalOf(fromYaml("- a\n- b\n"))).toMatch(/^millrace.yaml:1:1: expected keys and values/);
  expect(refusalOf(fromYaml("just text"))).toMatch(/^millrace.yaml:1:1: expected keys and values/);
});

Deno.test("a file of nested aliases is refused instead of filling the memory", () => {
  const levels = Array.from({ length: 9 }, (_, i) => `k${i + 1}: &k${i + 1} [${Array(10).fill(`*k${i}`).join(",")}]`);
  expect(refusalOf(fromYaml(`k0: &k0 [x,x,x]\n${levels.join("\n")}\n`))).toContain("alias");
});

Deno.test("an unknown MILLRACE variable is refused with the likely one", () => {
  expect(refusalOf({ env: { MILLRACE_GATEWAY_PROT: "1" }, readText: refuseToRead }))
    .toBe("MILLRACE_GATEWAY_PROT: no such variable (did you mean MILLRACE_GATEWAY_PORT?)");
});

Deno.test("a variable that holds the wrong kind is named by its own name", () => {
  expect(refusalOf({ env: { MILLRACE_GATEWAY_PORT: "http" }, readText: refuseToRead }))
    .toBe('MILLRACE_GATEWAY_PORT: gateway.port: expected a whole number from 0 to 65535, found "http"');
  expect(refusalOf({ env: { MILLRACE_ENGINE_WORKERS: "0x2" }, readText: refuseToRead })).toContain('found "0x2"');
});

Deno.test("an empty variable counts as not set", () => {
  expect(loadConfig({ env: { MILLRACE_GATEWAY_PORT: "" }, readText: refuseToRead }).gateway.port).toBe(8080);
});

Deno.test("every key can be set by its variable", () => {
  // An empty variable is not set.
  const keys = CONFIG_KEYS.filter(({ defaultValue }) => String(defaultValue) !== "");
  const env = Object.fromEntries(keys.map((key) => [key.environment, String(key.defaultValue)]));
  const { config, originOf } = traceConfig({ env, readText: refuseToRead });
  expect(config).toEqual(configSchema.parse({}));
  for (const key of keys) expect(originOf(key.path)).toBe(key.environment);

  const wrong = CONFIG_KEYS.filter(({ kind }) => kind === "number" || kind === "flag");
  const lines = refusalOf({
    env: Object.fromEntries(wrong.map((key) => [key.environment, "?"])),
    readText: refuseToRead,
  }).split("\n");
  expect(lines.map((line) => line.trim().split(":")[0]).sort()).toEqual(wrong.map((key) => key.environment).sort());
});

Deno.test("a list is given with commas, by its variable or by the name that the field has for it", () => {
  const env = { KAFKA_BROKERS: "a:9092, b:9093", MILLRACE_KAFKA_TOPICS: "web,app-*" };
  const { config, originOf } = traceConfig({ env, readText: refuseToRead });
  expect(config.kafka.brokers).toEqual(["a:9092", "b:9093"]);
  expect(config.kafka.topics).toEqual(["web", "app-*"]);
  expect(originOf(["kafka", "brokers"])).toBe("KAFKA_BROKERS");
  const both = loadConfig({ env: { ...env, MILLRACE_KAFKA_BROKERS: "c:1" }, readText: refuseToRead });
  expect(both.kafka.brokers).toEqual(["c:1"]);
  expect(refusalOf({ env: { KAFKA_BROKERS: "nowhere" }, readText: refuseToRead })).toContain("kafka.brokers");
});

Deno.test("what is secret is in no message", () => {
  expect(refusalOf(fromYaml("kafka:\n  password: [hush]\n"))).toBe(
    "millrace.yaml:2:13: kafka.password: expected text, found something secret",
  );
});

Deno.test("a store that forgets before the log does is refused", () => {
  const text = refusalOf(fromYaml("log:\n  retentionHours: 240\n"));
  expect(text).toContain("store.eventsRetentionDays: expected at least log.retentionHours (240 hours), found 7 days");
});

Deno.test("a topic named like a property of every object has the defaults", () => {
  const config = loadConfig({ env: {}, readText: refuseToRead });
  for (const name of ["constructor", "toString", "__proto__"]) {
    expect(topicSettingsOf(config, name)).toEqual({ timeZone: "UTC", mapping: {} });
  }
});

Deno.test("any text as a file is either taken or refused as a configuration, never a crash", () => {
  const yamlish = fc.array(
    fc.constantFrom(
      "gateway:",
      "  port: 1",
      "topics:",
      "  - x",
      "  a:",
      "? [",
      "{",
      "*a",
      "&a",
      "---",
      "\t",
      "!!int x",
    ),
    { maxLength: 8 },
  ).map((lines) => lines.join("\n"));
  fc.assert(fc.property(fc.oneof(fc.string(), yamlish), (text) => {
    try {
      loadConfig(fromYaml(text));
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
    }
  }));
});
