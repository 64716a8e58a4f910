/** `deno task services up|down|status [NAME…]`: the real services that tests and developers talk to. */
import { Argument, Command, CommanderError } from "commander";
import { down, findRunning, missingTool, up } from "./manager.ts";
import { serviceOf, SERVICES, USUAL } from "./registry.ts";

function print(name: string, access: Readonly<Record<string, string>> | null): void {
  const details = access === null
    ? ["not running"]
    : Object.entries(access).filter(([, value]) => value !== "").map(([key, value]) => `${key} ${value}`);
  console.log(`${name.padEnd(16)} ${details.join(", ")}`);
}

async function upAll(names: readonly string[]): Promise<void> {
  const services = (names.length === 0 ? USUAL : names).map(serviceOf);
  const missing = await missingTool();
  if (missing !== null) throw new Error(`${missing}: most services are Java programs that Maven brings`);
  for (const service of services) print(service.name, (await up(service)).access);
}

async function downAll(names: readonly string[]): Promise<void> {
  const wanted = names.length === 0 ? SERVICES : names.map(serviceOf);
  for (const { name } of wanted) if (await down(name)) console.log(`${name.padEnd(16)} ended`);
}

async function statusOf(names: readonly string[]): Promise<void> {
  const wanted = names.length === 0 ? SERVICES : names.map(serviceOf);
  for (const { name } of wanted) print(name, (await findRunning(name))?.access ?? null);
}

const names = new Argument("[name...]", `of ${SERVICES.map(({ name }) => name).join(", ")}`);
const program = new Command("deno task services")
  .description("Start, end and list real services on this machine: Kafka, Cassandra, S3, HDFS")
  .exitOverride();
for (
  const [name, description, action] of [
    ["up", `start services (${USUAL.join(", ")}), or find them running`, upAll],
    ["down", "end services (all that run) and remove what they wrote", downAll],
    ["status", "list services and how to reach them", statusOf],
  ] as const
) program.command(name).description(description).addArgument(names).action(action);

try {
  await program.parseAsync(Deno.args, { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) Deno.exit(error.exitCode);
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
