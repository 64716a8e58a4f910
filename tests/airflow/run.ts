/**
 * Runs deploy/airflow/millrace_dag.py in a real Airflow, against a Millrace of its own: `deno task airflow`, another one by
 * AIRFLOW_VERSION=3.0.6, and one that is there by AIRFLOW_BIN.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonEnvironment } from "../services/python.ts";

const VERSION = Deno.env.get("AIRFLOW_VERSION") ?? "2.10.5";
const root = fileURLToPath(new URL("../../", import.meta.url));
const START_MS = 120_000;
/** What the DAG sends, if no variable says otherwise. */
const RECORDS = 200;
/** The discard port, where nobody listens. */
const NOWHERE = "http://127.0.0.1:9";

const programs = Deno.env.get("AIRFLOW_BIN") ??
  await pythonEnvironment([`apache-airflow==${VERSION}`, ...await constraints()]);
const directory = await Deno.makeTempDir({ prefix: "millrace-airflow-" });
const millrace = new Deno.Command(Deno.execPath(), {
  args: ["task", "-q", "dev", "--no-generator", "--port", "0", "--data", join(directory, "data")],
  cwd: root,
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).spawn();
let status = 1;
try {
  const url = await gatewayUrl();
  const env = {
    AIRFLOW_HOME: join(directory, "airflow"),
    AIRFLOW__CORE__DAGS_FOLDER: join(root, "deploy", "airflow"),
    AIRFLOW__CORE__LOAD_EXAMPLES: "False",
    AIRFLOW_VAR_MILLRACE_URL: url,
  };
  const airflow = async (args: readonly string[], change: Readonly<Record<string, string>> = {}): Promise<number> => {
    const options: Deno.CommandOptions = { args: [...args], env: { ...env, ...change }, stdin: "null" };
    return (await new Deno.Command(join(programs, "airflow"), options).spawn().status).code;
  };
  await airflow(["db", "migrate"]);
  status = await airflow(["dags", "test", "millrace", "2026-03-02"]);
  const stored = await recordsOf(url);
  if (status === 0 && stored !== RECORDS) status = 1;
  console.log(
    status === 0
      ? `the DAG ran through, and Millrace has the ${stored} records that it sent`
      : `the DAG failed, or Millrace does not have what it sent: ${stored} of ${RECORDS} records`,
  );
  // One that nothing answers has to fail: else the first run said nothing.
  const nowhere = await airflow(["dags", "test", "millrace", "2026-03-03"], { AIRFLOW_VAR_MILLRACE_URL: NOWHERE });
  console.log(
    nowhere === 0 ? "the DAG ran through without a Millrace" : "without a Millrace the DAG fails, as it should",
  );
  if (nowhere === 0) status = 1;
} finally {
  millrace.kill("SIGINT");
  await millrace.status;
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(status);

/** What that Airflow needs older than pip would choose, where it does. */
async function constraints(): Promise<string[]> {
  const text = await Deno.readTextFile(join(root, "deploy", "airflow", `constraints-${VERSION}.txt`)).catch(() => "");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** Where the Millrace listens, once it does. */
async function gatewayUrl(): Promise<string> {
  const giveUpMs = Date.now() + START_MS;
  for (;;) {
    const text = await Deno.readTextFile(join(directory, "data", "gateway.json")).catch(() => null);
    if (text !== null) return String(JSON.parse(text).url);
    if (Date.now() > giveUpMs) throw new Error("Millrace does not start");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What the gateway has stored of the DAG's topic. */
async function recordsOf(url: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/topics/airflow-demo`);
  const answer = await response.json();
  return response.ok ? Number(answer.totals.consumed) : 0; // the topic may not have been made
}
