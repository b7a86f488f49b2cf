"""Spark with Delta as a server (server.py). Jars come in the environment: VARVE_DELTA_JARS, separated by commas."""
import os
from multiprocessing.pool import ThreadPool

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


def read_versions(path, versions, metadata=None):
    """The rows of each version; `metadata`: fields of `_metadata` to read too."""
    frames = [table(path, version).selectExpr("*", *(f"_metadata.{name} AS {name}" for name in metadata or [])) for version in versions]
    return list(ThreadPool(2).map(lambda frame: canonical.rows(frame.toArrow()), frames))


def changes(path, first, last):
    reader = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", first).option("endingVersion", last)
    return canonical.rows(reader.load(path).toArrow())


def checkpoint(path):
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path).checkpoint()


def count(path, version=None):
    return table(path, version).count()


def sql(text):
    return canonical.rows(spark.sql(text).toArrow())


def sql_retried(texts):
    """Statements one after the other, each until no other writer is in its way. Returns how often one was."""
    conflicts = 0
    for text in texts:
        while True:
            try:
                spark.sql(text).collect()
                break
            except Exception as error:
                if "[DELTA_CONCURRENT_" not in str(error) or conflicts >= 50:
                    raise
                conflicts += 1
    return conflicts


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


serve({f.__name__: f for f in (read, read_versions, changes, checkpoint, count, sql, sql_retried, history, append, append_many, configure)} | {"ping": lambda: "spark " + spark.version})
