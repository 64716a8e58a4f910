/** The manifests for Kubernetes: as its own schemas want them, and naming what the programs have. */
import { expect } from "expect";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { CONFIG_KEYS } from "../../core/config/keys.ts";
import { configSchema } from "../../core/config/schema.ts";
import { parseRules } from "../../analyzer/alerts/rules_file.ts";
import { pythonForTests } from "./python.ts";

const file = fileURLToPath(new URL("../../deploy/kubernetes/millrace.yaml", import.meta.url));
/** All from the oldest that is promised to the newest that there are schemas of. */
const VERSIONS = Array.from({ length: 9 }, (_, minor) => `1.${29 + minor}`);
const python = await pythonForTests("kubernetes_requirements.txt");
const documents: Record<string, never>[] = parseAllDocuments(await Deno.readTextFile(file)).map((one) => one.toJS());

/** What lies at a path of a document. */
function at(document: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) => typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined,
    document,
  );
}
const find = (kind: string, name: string): unknown =>
  documents.find((one) => at(one, "kind") === kind && at(one, "metadata", "name") === name);

Deno.test({
  name: "the schemas of Kubernetes take every manifest",
  ignore: python === null,
  async fn() {
    const checked = await python?.run("kubernetes_check.py", [file, ...VERSIONS]) ?? "";
    expect(checked.trim().split("\n")).toHaveLength(VERSIONS.length * documents.length);
    for (const version of VERSIONS) expect(checked).toContain(`${version} HorizontalPodAutoscaler millrace-engine\n`);
  },
});

Deno.test("the programs are probed on the ports that they have by default, and run without privileges", () => {
  const config = configSchema.parse({});
  for (
    const [name, port] of [["engine", config.engine.port], ["gateway", config.gateway.port], [
      "analyzer",
      config.analyzer.port,
    ]]
  ) {
    const container = at(find("Deployment", `millrace-${name}`), "spec", "template", "spec", "containers", 0);
    expect(at(container, "ports", 0, "containerPort")).toBe(port);
    expect(at(container, "args")).toEqual([name]);
    expect(at(container, "readinessProbe", "httpGet", "path")).toBe("/readyz");
    expect(at(container, "livenessProbe", "httpGet", "path")).toBe("/healthz");
    expect(at(container, "securityContext", "runAsNonRoot")).toBe(true);
  }
});

Deno.test("the settings that the manifests name exist, and the rules are well", () => {
  const known = CONFIG_KEYS.flatMap(({ environment, alias }) => [environment, alias]);
  const named = [
    ...Object.keys(Object(at(find("ConfigMap", "millrace"), "data"))),
    ...Object.keys(Object(at(find("Secret", "millrace"), "stringData"))),
  ];
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  const rules = String(at(find("ConfigMap", "millrace-rules"), "data", "rules.yaml"));
  expect(parseRules(rules, "rules.yaml").rules.map(({ kind }) => kind)).toContain("lag");
});

Deno.test("the autoscaler goes by a figure that gateways export", async () => {
  const metric = at(
    find("HorizontalPodAutoscaler", "millrace-engine"),
    "spec",
    "metrics",
    0,
    "external",
    "metric",
    "name",
  );
  const source = await Deno.readTextFile(new URL("../../gateway/routes/metrics.ts", import.meta.url));
  expect(source).toContain(`  ${metric}: "`);
});
