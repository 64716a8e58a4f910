/** Runs deploy/airflow/millrace_dag.py in a real Airflow, against a Millrace of its own: `deno task airflow`. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonEnvironment } from "../services/python.ts";

const AIRFLOW = ["apache-airflow==2.10.5"];
const root = fileURLToPath(new URL("../../", import.meta.url));
const START_MS = 120_000;

const programs = Deno.env.get("AIRFLOW_BIN") ?? await pythonEnvironment(AIRFLOW);
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
  for (const args of [["db", "migrate"], ["dags", "test", "millrace", "2026-03-02"]]) {
    const { code } = await new Deno.Command(join(programs, "airflow"), { args, env, stdin: "null" }).spawn().status;
    status = code;
    if (code !== 0) break;
  }
  console.log(status === 0 ? "the DAG ran through: every record that it sent is stored" : "the DAG failed");
} finally {
  millrace.kill("SIGINT");
  await millrace.status;
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(status);

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
