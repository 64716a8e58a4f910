/** DuckDB over the same records in an NDJSON file: DIR RECORDS [quantiles]. Prints one JSON line. */
import process from "node:process";
import { DuckDBInstance } from "@duckdb/node-api";

const [directory, , quantiles] = Deno.args;
const connection = await (await DuckDBInstance.create(":memory:", { threads: "2" })).connect();

function query(file: string): string {
  const sketch = quantiles === undefined ? "" : ", approx_quantile(response_time_ms, [0.5, 0.9, 0.95, 0.99])";
  return `SELECT date_trunc('minute', "@timestamp") AS minute, service, level, method, path, status, count(*) AS count,
      count(*) FILTER (level IN ('ERROR', 'FATAL')) AS errors, avg(response_time_ms), min(response_time_ms),
      max(response_time_ms)${sketch}
    FROM read_json('${file}', format = 'newline_delimited', columns = {"@timestamp": 'TIMESTAMP', service: 'VARCHAR',
      level: 'VARCHAR', method: 'VARCHAR', path: 'VARCHAR', status: 'INTEGER', response_time_ms: 'DOUBLE'})
    GROUP BY ALL`;
}

await connection.runAndReadAll(query(`${directory}/warm.ndjson`));
const cpuBefore = process.cpuUsage();
const before = performance.now();
const rows = (await connection.runAndReadAll(query(`${directory}/bench.ndjson`))).getRowObjectsJS();
const seconds = (performance.now() - before) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const total = (name: string) => rows.reduce((sum, row) => sum + Number(row[name]), 0);
console.log(JSON.stringify({
  records: total("count"),
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  check: [total("count"), total("errors")],
}));
