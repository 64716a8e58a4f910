/** The access report as tables: what the page shows and `report access` writes. Pure. */
import * as z from "zod/mini";

const counted = { count: z.number() };
const byEndpoint = z.array(z.object({ endpoint: z.string(), ...counted }));
const byHost = z.array(z.object({ host: z.string(), ...counted }));

/** The answer of GET /api/v1/reports/access. */
export const accessReport = z.object({
  lines: z.number(),
  unparsed: z.number(),
  missing: z.record(z.string(), z.number()),
  contentSize: z.object({
    ...counted,
    min: z.nullable(z.number()),
    max: z.nullable(z.number()),
    mean: z.nullable(z.number()),
    stddev: z.nullable(z.number()),
    histogram: z.array(z.object({ from: z.number(), to: z.number(), ...counted })),
  }),
  notFound: z.object({ ...counted, top: byEndpoint, byHost }),
  byStatus: z.array(z.object({ status: z.number(), ...counted })),
  byHost,
  byEndpoint,
  byDay: z.array(z.object({ day: z.string(), ...counted, hosts: z.number(), notFound: z.number() })),
  byHour: z.array(z.object({
    hour: z.number(),
    ...counted,
    notFound: z.number(),
    clientErrors: z.number(),
    serverErrors: z.number(),
  })),
  hosts: z.number(),
  endpoints: z.number(),
});
export type AccessReport = z.infer<typeof accessReport>;

export interface ReportColumn {
  readonly name: string;
  readonly kind: "text" | "number";
  /** The field of events that its values are of. */
  readonly field?: string;
}

export interface ReportTable {
  /** Of its files. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly ReportColumn[];
  readonly rows: readonly (readonly (string | number)[])[];
}

const number = (name: string): ReportColumn => ({ name, kind: "number" });
const text = (name: string, field?: string): ReportColumn => ({ name, kind: "text", field });

/** Every table, the first number of a row being what it is ordered or drawn by. */
export function reportTables(report: AccessReport): ReportTable[] {
  const { byDay, byHour, contentSize, missing, notFound } = report;
  const counts = (
    name: string,
    title: string,
    column: ReportColumn,
    rows: readonly (readonly [string, number])[],
  ): ReportTable => ({ name, title, columns: [column, number("requests")], rows });
  return [
    {
      name: "days",
      title: "Requests and distinct hosts by day",
      columns: [text("day"), number("requests"), number("hosts"), number("not found")],
      rows: byDay.map(({ day, count, hosts, notFound }) => [day, count, hosts, notFound]),
    },
    {
      name: "hours",
      title: "Requests and errors by hour of the day",
      columns: [text("hour"), ...["requests", "not found", "client errors", "server errors"].map(number)],
      rows: byHour.map(({ hour, count, notFound, clientErrors, serverErrors }) => [
        `${String(hour).padStart(2, "0")}:00`,
        count,
        notFound,
        clientErrors,
        serverErrors,
      ]),
    },
    counts(
      "statuses",
      "Status codes",
      text("status", "status"),
      report.byStatus.map((row) => [`${row.status}`, row.count]),
    ),
    counts("hosts", "Top hosts", text("host", "host"), report.byHost.map(({ host, count }) => [host, count])),
    counts(
      "endpoints",
      "Top endpoints",
      text("endpoint", "endpoint"),
      report.byEndpoint.map(({ endpoint, count }) => [endpoint, count]),
    ),
    counts(
      "not-found-endpoints",
      "Not found (404): endpoints",
      text("endpoint", "endpoint"),
      notFound.top.map(({ endpoint, count }) => [endpoint, count]),
    ),
    counts(
      "not-found-hosts",
      "Not found (404): hosts that asked",
      text("host", "host"),
      notFound.byHost.map(({ host, count }) => [host, count]),
    ),
    counts(
      "content-sizes",
      "Content sizes, bytes",
      text("size"),
      contentSize.histogram.map(({ from, to, count }) => [sizeClass(from, to), count]),
    ),
    {
      name: "missing",
      title: "Missing values by column",
      columns: [text("column"), number("events without it")],
      rows: Object.entries(missing),
    },
  ];
}

const grouped = new Intl.NumberFormat("en");
const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

const sizeClass = (from: number, to: number): string =>
  from === 0 ? "0" : `${grouped.format(from)} to ${grouped.format(to - 1)}`;

/** Figures above the tables. */
export function reportFigures(report: AccessReport): { name: string; value: string; note?: string }[] {
  const { contentSize, hosts, endpoints, lines, notFound, unparsed } = report;
  const { mean, min, max, stddev } = contentSize;
  const sizes = mean === null
    ? { value: "none" }
    : { value: `${decimal.format(mean)} B`, note: `${grouped.format(min ?? 0)} to ${grouped.format(max ?? 0)}` };
  return [
    { name: "lines", value: grouped.format(lines), note: `${grouped.format(unparsed)} could not be parsed` },
    { name: "distinct hosts", value: grouped.format(hosts) },
    { name: "distinct endpoints", value: grouped.format(endpoints) },
    { name: "not found", value: grouped.format(notFound.count) },
    { name: "average content size", ...sizes },
    { name: "standard deviation", value: stddev === null ? "none" : `${decimal.format(stddev)} B` },
  ];
}
