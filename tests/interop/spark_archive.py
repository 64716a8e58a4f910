"""Counts an archive's records with Spark, as somebody would who knows nothing but the folder's name.

  spark_archive.py FOLDER   prints a line of JSON per date, hour, level and service of events, and per reason of quarantine
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

folder = sys.argv[1]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
events = (
    spark.read.parquet(f"{folder}/events")
    .withColumn("bytes", F.octet_length(F.coalesce("raw_bytes", F.col("raw").cast("binary"))))
    .groupBy("topic", F.col("date").cast("string").alias("date"), "hour", "level", "service")
    .agg(
        F.count("*").alias("count"),
        F.sum("bytes").alias("bytes"),
        F.sum("response_time").alias("time"),
        F.unix_millis(F.min("ts")).alias("first"),
        F.unix_millis(F.max("ts")).alias("last"),
        F.count_distinct("part", "offset").alias("offsets"),
    )
)
quarantine = (
    spark.read.parquet(f"{folder}/quarantine")
    .groupBy("reason")
    .agg(F.count("*").alias("count"), F.sum(F.octet_length("raw")).alias("bytes"))
)
for row in events.collect() + quarantine.collect():
    print(json.dumps(row.asDict()))
spark.stop()
