import { expect } from "expect";
import { readReportView, reportParameters, type ReportViewState, writeReportView } from "./report_state.ts";

const VIEW: ReportViewState = {
  topic: "access",
  from: "2026-03-01",
  to: "2026-04-01",
  tz: "Europe/Berlin",
  where: ["status=404|500", "host!=::1"],
};

Deno.test("an address leads back to the report that wrote it; defaults are left out", () => {
  expect(readReportView(writeReportView(VIEW))).toEqual(VIEW);
  const plain = readReportView("");
  expect(plain).toEqual({ topic: null, from: "", to: "", tz: "UTC", where: [] });
  expect(writeReportView(plain)).toBe("");
});

Deno.test("the API is asked for what the address says, and for everything where it says nothing", () => {
  expect(new URLSearchParams(reportParameters(VIEW, "access")).toString()).toBe(
    "topic=access&from=2026-03-01&to=2026-04-01&tz=Europe%2FBerlin&limit=20&where=status%3D404%7C500&where=host%21%3D%3A%3A1",
  );
  expect(reportParameters(readReportView(""), "a")).toEqual([["topic", "a"], ["tz", "UTC"], ["limit", "20"]]);
});
