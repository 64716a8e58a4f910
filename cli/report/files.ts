/** An access report as one file of HTML, and its tables as CSV and Parquet. */
import { stringify } from "csv-stringify/sync";
import { join } from "node:path";
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import { type ParquetColumn, RowGroupEncoder } from "../../core/parquet/encoder.ts";
import { writeParquetFile } from "../../core/parquet/file.ts";
import { type AccessReport, type ReportTable, reportTables } from "../../gateway/dashboard/report_tables.ts";
import { ReportView } from "../../gateway/dashboard/report_view.ts";

/** What the report is of. */
export interface ReportAbout {
  readonly topic: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly tz: string;
  readonly where: readonly string[];
  readonly madeAt: string;
}

/** Writes the files into a directory, which is made where it is missing; answers how many. */
export async function writeReport(directory: string, report: AccessReport, about: ReportAbout): Promise<number> {
  await Deno.mkdir(directory, { recursive: true });
  const tables = reportTables(report);
  for (const table of tables) {
    await Deno.writeTextFile(join(directory, `${table.name}.csv`), csvOf(table));
    await writeParquetFile(join(directory, `${table.name}.parquet`), [rowGroupOf(table)], { isDurable: false });
  }
  await Deno.writeTextFile(join(directory, "report.html"), await htmlOf(report, about));
  return 2 * tables.length + 1;
}

/** RFC 4180 but for the ends of lines (\n); what a spreadsheet would run as a formula gets an apostrophe in front. */
function csvOf({ columns, rows }: ReportTable): string {
  return stringify(rows.map((row) => [...row]), {
    header: true,
    columns: columns.map(({ name }) => name),
    escape_formulas: true,
  });
}

function rowGroupOf({ columns, rows }: ReportTable) {
  const encoder = new RowGroupEncoder("zstd");
  return encoder.encode(
    rows.length,
    columns.map(({ name, kind }, at): ParquetColumn => {
      if (kind === "number") {
        return { name: nameOf(name), kind: "int64", values: Float64Array.from(rows, (row) => Number(row[at])) };
      }
      const dictionary = [...new Set(rows.map((row) => String(row[at])))];
      const ids = new Map(dictionary.map((text, id) => [text, id]));
      const idOf = (row: ReportTable["rows"][number]) => ids.get(String(row[at])) ?? 0;
      return { name: nameOf(name), kind: "dictionary", dictionary, ids: Uint32Array.from(rows, idOf) };
    }),
  );
}

/** A name that SQL takes without quotes. */
const nameOf = (title: string): string => title.replaceAll(" ", "_");

async function htmlOf(report: AccessReport, { topic, from, to, tz, where, madeAt }: ReportAbout): Promise<string> {
  const css = await Deno.readTextFile(new URL("../../gateway/pages/base.css", import.meta.url));
  const period = from === null && to === null ? "all that is kept" : `${from ?? "the beginning"} to ${to ?? "the end"}`;
  const said = [`Period: ${period}`, `days and hours in ${tz}`, ...where, `made ${madeAt}`];
  const page = h("html", { lang: "en" }, [
    h("head", null, [
      h("meta", { charset: "utf-8" }),
      h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      h("title", null, `Access report of ${topic}`),
      // Text of a style element is not unescaped by browsers; there is no < in ours.
      h("style", { dangerouslySetInnerHTML: { __html: css } }),
    ]),
    h("body", null, [
      h("header", null, [h("h1", null, `Access report of ${topic}`), h("p", null, h("bdi", null, said.join("; ")))]),
      h("main", { class: "report" }, h(ReportView, { report })),
    ]),
  ]);
  return `<!DOCTYPE html>\n${renderToString(page)}\n`;
}
