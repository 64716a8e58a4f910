/** The containers: as a real parser of Compose files reads them, with the versions that the tests run against. */
import { expect } from "expect";
import { parse } from "yaml";
import { z } from "zod";
import { VERSION } from "../core/version.ts";
import { isInstalled, run } from "./services/run.ts";
import { VERSIONS } from "./services/versions.ts";

const path = new URL("../compose.yaml", import.meta.url).pathname;
const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";
const isParsed = canRun && await isInstalled("docker-compose", "--version");
if (!isParsed) {
  const left = "docker-compose is missing: that compose.yaml is valid is LEFT OUT";
  if (canRun && Deno.env.get("CI") !== undefined) throw new Error(left);
  console.warn(`warning: ${left}`);
}

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      user: z.string().optional(),
      read_only: z.boolean().optional(),
      healthcheck: z.object({ test: z.union([z.string(), z.array(z.string())]) }),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
    }),
  ),
});

const PROGRAMS = ["engine", "gateway", "analyzer", "generator"];

Deno.test({
  name: "compose.yaml is valid: every service has a health check, and programs wait for the servers",
  ignore: !isParsed,
  async fn() {
    const { code, output } = await run("docker-compose", ["--file", path, "--profile", "demo", "config"]);
    expect([code, code === 0 ? "" : output]).toEqual([0, ""]);
    const { services } = composeFile.parse(parse(output));
    expect(Object.keys(services).sort()).toEqual(["cassandra", "kafka", "registry", "s3", ...PROGRAMS].sort());
    for (const name of PROGRAMS) {
      const { depends_on: waits, read_only: isReadOnly } = services[name];
      expect(waits).toEqual({
        kafka: { condition: "service_healthy" },
        cassandra: { condition: "service_healthy" },
        s3: { condition: "service_healthy" },
      });
      expect(isReadOnly).toBe(true);
    }
  },
});

Deno.test("containers have the versions that are tested", async () => {
  const { services } = z.object({ services: z.record(z.string(), z.object({ image: z.string().optional() })) }).parse(
    parse(await Deno.readTextFile(path), { merge: true }),
  );
  for (const [name, version] of Object.entries(VERSIONS)) expect(services[name].image?.split(":")[1]).toBe(version);
  for (const name of PROGRAMS) expect(services[name].image).toBe(`millrace:${VERSION}`);
  const dockerfile = await Deno.readTextFile(new URL("../Dockerfile", import.meta.url));
  const ci = await Deno.readTextFile(new URL("../.ci/run", import.meta.url));
  const deno = ci.match(/^deno_version=(.*)$/m)?.[1];
  expect(dockerfile.match(/^FROM denoland\/deno:(.*)$/m)?.[1]).toBe(deno);
});
