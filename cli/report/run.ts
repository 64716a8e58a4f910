/** Asks for an access report, wherever it can be had, and writes it. */
import type { Config } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { createApp } from "../../gateway/app.ts";
import { type AccessReport, accessReport } from "../../gateway/dashboard/report_tables.ts";
import { PARSERS } from "../../engine/parsing/registry.ts";
import { openData, removeTopic } from "../data.ts";
import { formatCount } from "../format.ts";
import { archivedStore } from "../gateway/archived_store.ts";
import { refusal, unreachable } from "../gateway_client.ts";
import { findGateway } from "../running.ts";
import type { Terminal } from "../terminal.ts";
import { topicDescriber } from "../topic_description.ts";
import { type ReportAbout, writeReport } from "./files.ts";

export interface ReportOptions {
  readonly topic: string;
  readonly out: string;
  readonly from?: string;
  readonly to?: string;
  readonly tz: string;
  readonly limit: string;
  readonly where: readonly string[];
  /** Null: the gateway on the data directory, or the data itself. */
  readonly url: string | null;
}

/** Throws UNREACHABLE, REFUSED (with what the gateway says), FILE_UNAVAILABLE, or what opening the data throws. */
export async function runAccessReport(config: Config, options: ReportOptions, terminal: Terminal): Promise<void> {
  const { topic, from, to, tz, limit, where, out } = options;
  const query = new URLSearchParams({ topic, tz, limit });
  if (from !== undefined) query.set("from", from);
  if (to !== undefined) query.set("to", to);
  for (const condition of where) query.append("where", condition);
  const report = await ask(config, options.url, `/api/v1/reports/access?${query}`);
  const about: ReportAbout = { topic, from: from ?? null, to: to ?? null, tz, where, madeAt: new Date().toISOString() };
  let files: number;
  try {
    files = await writeReport(out, report, about);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `${out}: the report cannot be written: ${messageOf(cause)}`,
      "name a directory that this user may write, with room for it: --out DIR",
      { cause },
    );
  }
  terminal.out(`${out}/report.html and ${files - 1} more files: ${formatCount(report.lines)} lines of ${topic}\n`);
}

async function ask(config: Config, url: string | null, path: string): Promise<AccessReport> {
  const gateway = url ?? (await findGateway(config.data))?.url ?? null;
  if (gateway !== null) {
    const response = await fetch(new URL(path, gateway)).catch((error) => {
      throw unreachable(gateway, error);
    });
    return await reportOf(response);
  }
  const data = await openData(config, () => {});
  try {
    const app = createApp({
      config,
      log: data.log,
      store: archivedStore(config, data),
      engine: { status: () => null, describeTopic: topicDescriber(config, data.store) },
      formats: PARSERS.map(({ name }) => name),
      deleteTopic: (topic) => removeTopic(data, topic),
    });
    return await reportOf(await app.request(path));
  } finally {
    await data.close();
  }
}

async function reportOf(response: Response): Promise<AccessReport> {
  if (!response.ok) throw (await refusal(response, "GET /api/v1/reports/access")).error;
  const answer = accessReport.safeParse(await response.json().catch(() => null));
  if (answer.success) return answer.data;
  throw new MillraceError(
    "REFUSED",
    "GET /api/v1/reports/access: not the answer of a Millrace gateway of this version",
    "check the address (--url), and that the gateway there is as new as this command",
  );
}
