"""Spark Structured Streaming over a topic: BROKERS TOPIC JARS OUT minutes|archive. Prints one JSON line.

The same query twice in one session, availableNow, each from the topic's start; the second, warm run is timed. Minutes by
service, method, path, status and level: count, errors, average, smallest, largest and quantiles of the response time.
With archive every event is written as zstd Parquet by date and hour, too, out of the same micro-batch.
"""
import json
import os
import shutil
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

brokers, topic, jars, out, mode = sys.argv[1:]
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
schema = """`@timestamp` STRING, level STRING, service STRING, host STRING, method STRING, path STRING, status INT,
    response_time_ms DOUBLE, trace_id STRING, message STRING"""


def store(batch, _):
    value = F.col("value").cast("string")
    parsed = batch.select(
        F.from_json(value, schema).alias("event"), value.alias("raw"), F.col("partition"), F.col("offset")
    )
    events = parsed.select("event.*", "raw", "partition", "offset").withColumn("ts", F.to_timestamp("@timestamp"))
    if mode == "archive":
        by_hour = events.withColumn("date", F.to_date("ts")).withColumn("hour", F.hour("ts"))
        by_hour.write.mode("append").partitionBy("date", "hour").parquet(f"{out}/events")
    minutes = events.groupBy(
        F.date_trunc("minute", "ts").alias("minute"), "service", "method", "path", "status", "level"
    ).agg(
        F.count("*").alias("count"),
        F.sum(F.when(F.col("level").isin("ERROR", "FATAL"), 1).otherwise(0)).alias("errors"),
        F.avg("response_time_ms"),
        F.min("response_time_ms"),
        F.max("response_time_ms"),
        F.percentile_approx("response_time_ms", [0.5, 0.9, 0.95, 0.99], 100),
    )
    names = ["minute", "service", "method", "path", "status", "level", "count", "errors", "avg", "min", "max", "p"]
    minutes.toDF(*names).write.mode("append").parquet(f"{out}/minutes")


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


run()
seconds = run()
counted = spark.read.parquet(f"{out}/minutes").agg(F.count("*"), F.sum("count"), F.sum("errors")).first()
events = spark.read.parquet(f"{out}/events").count() if mode == "archive" else 0
size = sum(
    os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(f"{out}/events") for name in names
)
# The JVM does the work; it is a child that is not waited for.
jvm = spark.sparkContext._gateway.proc.pid
with open(f"/proc/{jvm}/stat", encoding="ascii") as stat:
    times = stat.read().rpartition(")")[2].split()
cpu = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
with open(f"/proc/{jvm}/status", encoding="ascii") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
spark.stop()
print(json.dumps({
    "records": counted[1],
    "seconds": seconds,
    "cpuSeconds": cpu,
    "peakRssBytes": peak,
    "check": [counted[1], counted[2], events],
    "archivedBytes": size,
}))
