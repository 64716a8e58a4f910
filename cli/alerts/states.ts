/** `alerts states`: what rules say now, as a running gateway has it, and who holds back what until when. */
import { z } from "zod";
import { visible } from "../../analyzer/shown_text.ts";
import type { Config } from "../../core/config/schema.ts";
import { formatPlural } from "../format.ts";
import { askGateway } from "../gateway_client.ts";
import { findGateway } from "../running.ts";
import type { Terminal } from "../terminal.ts";

const LIMIT = 1_000;

const alertsShape = z.object({
  alerts: z.array(z.object({
    rule: z.string(),
    topic: z.string(),
    severity: z.string(),
    state: z.string(),
    labels: z.record(z.string(), z.string()),
    groupedBy: z.array(z.string()),
    since: z.string(),
    silenced: z.object({ until: z.string(), comment: z.string(), by: z.string().nullable().default(null) }).nullable(),
    acknowledged: z.object({ by: z.string(), at: z.string() }).nullable().optional(),
    isInhibited: z.boolean(),
  })),
  total: z.number(),
  evaluator: z.object({ evaluatedAt: z.string().nullable(), rules: z.number() }),
});
type Shown = z.infer<typeof alertsShape>["alerts"][number];

export interface StatesFlags {
  readonly url?: string;
  readonly topic?: string;
}

/** Prints the alerts that are not over. Throws UNREACHABLE or REFUSED. */
export async function printStates(config: Config, { url: given, topic }: StatesFlags, terminal: Terminal) {
  const url = given ?? (await findGateway(config.data))?.url ?? `http://127.0.0.1:${config.gateway.port}`;
  const query = new URLSearchParams({ limit: String(LIMIT), ...(topic === undefined ? {} : { topic }) });
  const { alerts, evaluator } = await askGateway(url, `/api/v1/alerts?${query}`, alertsShape);
  const current = alerts.filter(({ state }) => state !== "resolved");
  const at = evaluator.evaluatedAt === null ? "never by any analyzer" : `last at ${evaluator.evaluatedAt}`;
  const counted = `${formatPlural(current.length, "alert")} of ${formatPlural(evaluator.rules, "rule")}`;
  terminal.out(`${counted}, evaluated ${at}\n`);
  for (const alert of current) terminal.out(`  ${lineOf(alert)}\n`);
}

function lineOf(alert: Shown): string {
  const { rule, topic, severity, state, labels, groupedBy, since, silenced, acknowledged = null, isInhibited } = alert;
  const own = groupedBy.map((name) => `${name}=${labels[name] ?? ""}`).join(" ");
  const held = [
    silenced === null ? "" : `; silenced until ${silenced.until} (${whyOf(silenced)})`,
    acknowledged === null ? "" : `; acknowledged by ${acknowledged.by} at ${acknowledged.at}`,
    isInhibited ? "; held back while another fires" : "",
  ];
  const where = own === "" ? "" : ` (${own})`;
  return visible(`${state} ${severity}: ${rule}${where}, topic ${topic}, since ${since}${held.join("")}`);
}

/** Who silenced it, where not the file of rules, and why. */
const whyOf = ({ by, comment }: NonNullable<Shown["silenced"]>): string =>
  [by === null ? "" : `by ${by}`, comment].filter((piece) => piece !== "").join(": ");
