"""Spark Structured Streaming over a topic: BROKERS TOPIC json|wide|access FILE JARS OUT minutes|archive. Prints one JSON line,
and writes the minutes to FILE.

The same query twice in one session, availableNow, each from the topic's start; the second, warm run is timed. Minutes by
service, method, path, status and level (of access logs host, path, status and method): count, errors, average, smallest, largest and quantiles of the response time (of
access logs the size).
With archive every event is written as zstd Parquet by date and hour, too, out of the same micro-batch.
"""
import json
import os
import shutil
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

brokers, topic, shape, file, jars, out, mode = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", jars)
    .config("spark.driver.memory", "4g")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.parquet.compression.codec", "zstd")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
SCHEMAS = {
    "json": """`@timestamp` STRING, level STRING, service STRING, host STRING, method STRING, path STRING, status STRING,
        response_time_ms DOUBLE, trace_id STRING, message STRING""",
    "wide": """`@timestamp` STRING, log STRUCT<level: STRING>, service STRUCT<name: STRING>,
        http STRUCT<request: STRUCT<method: STRING>, response: STRUCT<status_code: STRING>>, url STRUCT<path: STRING>,
        event STRUCT<duration: BIGINT>, message STRING""",
}
FIELDS = {
    "json": ["service", "level", "method", "path", "status", "response_time_ms"],
    "wide": ["service.name", "log.level", "http.request.method", "url.path", "http.response.status_code"],
}
LINE = r'^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d{3}) (\d+)'


def events_of(batch):
    """Columns ts, d0, d1 ..., v and bad, beside the record and what it says else."""
    value = F.col("value").cast("string")
    if shape == "access":
        part = lambda n: F.regexp_extract("raw", LINE, n)
        rows = batch.select(value.alias("raw"), "partition", "offset")
        events = rows.withColumn("ts", F.to_timestamp(part(2), "dd/MMM/yyyy:HH:mm:ss Z"))
        for n, group in enumerate([1, 4, 5, 3]):
            events = events.withColumn(f"d{n}", part(group))
        return events.withColumn("v", part(6).cast("bigint")).withColumn("bad", F.col("d2").startswith("5"))
    rows = batch.select(
        F.from_json(value, SCHEMAS[shape]).alias("event"), value.alias("raw"), F.col("partition"), F.col("offset")
    )
    events = rows.select("event.*", "raw", "partition", "offset").withColumn("ts", F.to_timestamp("@timestamp"))
    for n, field in enumerate(FIELDS[shape][:5]):
        events = events.withColumn(f"d{n}", F.col(field))
    time = F.col("response_time_ms") if shape == "json" else F.col("event.duration") / 1e6
    return events.withColumn("v", time).withColumn(
        "bad", F.col("d1").isin("ERROR", "FATAL") | F.col("d4").startswith("5")
    )


DIMENSIONS = [f"d{n}" for n in range(4 if shape == "access" else 5)]


def store(batch, _):
    events = events_of(batch)
    if mode == "archive":
        by_hour = events.withColumn("date", F.to_date("ts")).withColumn("hour", F.hour("ts"))
        by_hour.drop(*DIMENSIONS, "v", "bad").write.mode("append").partitionBy("date", "hour").parquet(f"{out}/events")
    minutes = events.groupBy(F.date_trunc("minute", "ts").alias("minute"), *DIMENSIONS).agg(
        F.count("*").alias("count"),
        F.sum(F.col("bad").cast("int")).alias("errors"),
        F.min("v").alias("min"),
        F.max("v").alias("max"),
        F.avg("v").alias("avg"),
        F.percentile_approx("v", [0.5, 0.9, 0.95, 0.99], 100).alias("p"),
    )
    minutes.write.mode("append").parquet(f"{out}/minutes")


def cpu_seconds():
    # The JVM does the work; it is a child that is not waited for.
    with open(f"/proc/{jvm}/stat", encoding="ascii") as stat:
        times = stat.read().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def run():
    shutil.rmtree(out, ignore_errors=True)
    started = time.monotonic()
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    query = (
        records.writeStream.foreachBatch(store)
        .option("checkpointLocation", f"{out}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    return time.monotonic() - started


jvm = spark.sparkContext._gateway.proc.pid
run()
cpu_before = cpu_seconds()
seconds = run()
cpu = cpu_seconds() - cpu_before
records = 0
with open(file, "w", encoding="utf-8") as lines:
    for row in spark.read.parquet(f"{out}/minutes").withColumn("minute", F.unix_seconds("minute") / 60).collect():
        records += row["count"]
        values = [row[name] for name in DIMENSIONS]
        cells = [int(row["minute"]), values, row["count"], row["errors"], row["min"], row["max"], row["avg"]]
        lines.write(json.dumps(cells) + "\n")
archived = spark.read.parquet(f"{out}/events").count() if mode == "archive" else 0
size = sum(
    os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(f"{out}/events") for name in names
)
with open(f"/proc/{jvm}/status", encoding="ascii") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
spark.stop()
print(json.dumps({
    "records": records,
    "seconds": seconds,
    "cpuSeconds": cpu,
    "peakRssBytes": peak,
    "archived": archived,
    "archivedBytes": size,
}))
