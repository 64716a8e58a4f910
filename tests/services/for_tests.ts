/**
 * Services for tests: those that the environment names, else those of the harness, started where they can be. What is
 * left out for want of one is said, once; in CI that is an error.
 */
import { missingTool, up } from "./manager.ts";
import { serviceOf } from "./registry.ts";

const isCi = Deno.env.get("CI") !== undefined;

/** How a service may be given from outside, by variables that users of Millrace know. */
const GIVEN: Readonly<Record<string, readonly [variable: string, key: string]>> = {
  kafka: ["KAFKA_BROKERS", "brokers"],
  cassandra: ["CASSANDRA_CONTACT_POINTS", "contactPoints"],
};

/** How to reach the service, or null where tests that need it have to be left out. */
export async function serviceForTests(name: string): Promise<Readonly<Record<string, string>> | null> {
  const given = GIVEN[name];
  const address = given === undefined ? "" : Deno.env.get(given[0]) ?? "";
  if (address !== "") return { [given[1]]: address };
  const reason = await reasonAgainst();
  if (reason === null) return (await up(serviceOf(name))).access;
  const left = `tests that need ${name} are LEFT OUT: ${reason}`;
  if (isCi) throw new Error(left);
  console.warn(`warning: ${left}`);
  return null;
}

async function reasonAgainst(): Promise<string | null> {
  const { state } = await Deno.permissions.query({ name: "run" });
  return state === "granted" ? await missingTool() : "no permission to start processes (deno task test has it)";
}
