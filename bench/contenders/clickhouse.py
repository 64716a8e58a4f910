"""ClickHouse (chdb) over the same records in an NDJSON file: DIR RECORDS [quantiles]. Prints one JSON line."""
import json
import resource
import sys
import time

import chdb

directory = sys.argv[1]
sketch = ", quantilesTDigest(0.5, 0.9, 0.95, 0.99)(response_time_ms)" if len(sys.argv) > 3 else ""


def query(name):
    return f"""
        SELECT count() AS groups, sum(n) AS records, sum(e) AS errors FROM (
            SELECT toStartOfMinute(parseDateTime64BestEffort(`@timestamp`, 3, 'UTC')) AS minute, service, level, method,
                path, status, count() AS n, countIf(level IN ('ERROR', 'FATAL')) AS e, avg(response_time_ms),
                min(response_time_ms), max(response_time_ms){sketch}
            FROM file('{directory}/{name}.ndjson', 'JSONEachRow', '`@timestamp` String, service LowCardinality(String),
                level LowCardinality(String), method LowCardinality(String), path LowCardinality(String), status UInt16,
                response_time_ms Float64')
            GROUP BY ALL
        ) SETTINGS max_threads = 2"""


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


chdb.query(query("warm"), "JSONEachRow")
cpu_before = cpu_seconds()
before = time.perf_counter()
answer = json.loads(str(chdb.query(query("bench"), "JSONEachRow")))
seconds = time.perf_counter() - before
print(json.dumps({
    "records": int(answer["records"]),
    "seconds": seconds,
    "cpuSeconds": cpu_seconds() - cpu_before,
    "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "check": [int(answer["records"]), int(answer["errors"])],
}))
