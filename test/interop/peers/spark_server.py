"""Spark with Delta as a server (server.py). Jars come in the environment: VARVE_DELTA_JARS, separated by commas."""
import os

os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
from pyspark.sql import SparkSession

import canonical
from server import serve

jars = os.environ["VARVE_DELTA_JARS"]
scratch = os.environ["VARVE_SCRATCH"]
spark = (
    SparkSession.builder.master("local[2]")
    .appName("interop")
    .config("spark.jars", jars)
    .config("spark.driver.extraClassPath", jars.replace(",", ":"))
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.memory", "3g")
    .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={scratch} -Djava.io.tmpdir={scratch}")
    .config("spark.local.dir", scratch)
    .config("spark.sql.warehouse.dir", f"{scratch}/warehouse")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration", "false")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    # The tables are tiny: compiling each query to byte code would be most of the time.
    .config("spark.sql.codegen.wholeStage", "false")
    .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    .config("spark.sql.adaptive.enabled", "false")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def table(path, version=None, timestamp=None):
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    if timestamp is not None:
        reader = reader.option("timestampAsOf", timestamp)
    return reader.load(path)


def read(path, version=None, timestamp=None, where=None):
    frame = table(path, version, timestamp)
    if where is not None:
        frame = frame.where(where)
    return canonical.rows(frame.toArrow())


def count(path, version=None):
    return table(path, version).count()


def sql(text):
    return canonical.rows(spark.sql(text).toArrow())


def history(path):
    frame = spark.sql(f"DESCRIBE HISTORY delta.`{path}`")
    return [row.asDict(recursive=True) | {"timestamp": row["timestamp"].isoformat()} for row in frame.collect()]


def append(path, query, options=None, partition_by=None, mode="append"):
    writer = spark.sql(query).coalesce(1).write.format("delta").mode(mode)
    for key, value in (options or {}).items():
        writer = writer.option(key, value)
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    writer.save(path)


def append_many(path, queries):
    for query in queries:
        append(path, query)


def configure(key, value):
    spark.conf.set(key, value)


serve({f.__name__: f for f in (read, count, sql, history, append, append_many, configure)} | {"ping": lambda: "spark " + spark.version})
