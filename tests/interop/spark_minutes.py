"""Computes minutes of a topic with Spark, as somebody would who knows nothing of Millrace.

  spark_minutes.py BROKERS TOPIC JARS   prints a line of JSON per minute, service and level
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

brokers, topic, jars = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", jars)
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
records = (
    spark.read.format("kafka")
    .option("kafka.bootstrap.servers", brokers)
    .option("kafka.isolation.level", "read_committed")
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .option("endingOffsets", "latest")
    .load()
)
schema = "timestamp STRING, level STRING, service STRING, duration_ms DOUBLE"
events = records.select(F.from_json(F.col("value").cast("string"), schema).alias("event")).select("event.*")
minutes = (
    events.withColumn("minute", F.date_trunc("minute", F.to_timestamp("timestamp")))
    .groupBy("minute", "service", "level")
    .agg(
        F.count("*").alias("count"),
        F.sum(F.when(F.col("level").isin("ERROR", "FATAL"), 1).otherwise(0)).alias("errors"),
        F.avg("duration_ms").alias("average"),
        F.min("duration_ms").alias("min"),
        F.max("duration_ms").alias("max"),
    )
    .withColumn("minute", F.unix_millis("minute"))
)
for row in minutes.collect():
    print(json.dumps(row.asDict()))
spark.stop()
