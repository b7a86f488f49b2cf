"""The tables of this folder that Spark writes, each beside the rows that Spark reads at every version of it.

Run it with the Python of the interop tests (`npm run test:interop` installs it):

    .interop/venv/bin/python spec/cases/make-spark.py [NAME...]

A case is a function; its statements stand for a table called `t`. `rows.json` beside the table holds for each version the canonical rows
of `test/interop/peers/canonical.py`, of `SELECT *` or of the query that the case gives, and for tables with a feed its changes.
"""
import glob
import json
import os
import shutil
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
project = os.path.join(here, "..", "..")
sys.path.insert(0, os.path.join(project, "test", "interop", "peers"))
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
import canonical
from pyspark.sql import SparkSession

wanted = ["delta-spark", "delta-storage", "delta-kernel-api", "delta-kernel-defaults", "delta-kernel-unitycatalog", "unitycatalog-client", "unitycatalog-hadoop", "jts-core"]
jars = [jar for jar in sorted(glob.glob(os.path.join(project, ".interop", "jars", "*.jar"))) if any(os.path.basename(jar).startswith(name) for name in wanted)]
scratch = tempfile.mkdtemp(prefix="varve-spark-")
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", ",".join(jars))
    .config("spark.driver.extraClassPath", ":".join(jars))
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.memory", "2g")
    .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={scratch} -Djava.io.tmpdir={scratch}")
    .config("spark.local.dir", scratch)
    .config("spark.sql.warehouse.dir", f"{scratch}/warehouse")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.databricks.delta.snapshotPartitions", "1")
    .config("spark.sql.adaptive.enabled", "false")
    .config("spark.sql.codegen.wholeStage", "false")
    .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")

cases = {}


as_json = "SELECT id, CAST(v AS JSON)::VARCHAR AS v FROM t"


def case(name, query=None, changes=False, settings=None, duckdb=None):
    """Registers a case: a function that gives its statements; `query` reads a version (`{t}` is the table), default all columns; `duckdb`
    says the same in DuckDB's words, where they differ."""

    def register(statements):
        cases[name] = (statements, query or "SELECT * FROM {t}", changes, settings or {}, duckdb)
        return statements

    return register


def make(name):
    statements, query, changes, settings, duckdb = cases[name]
    folder = os.path.join(here, name)
    table = os.path.join(folder, "table")
    shutil.rmtree(folder, ignore_errors=True)
    for key, value in settings.items():
        spark.conf.set(key, value)
    try:
        for statement in statements():
            if callable(statement):
                statement(table)
                continue
            spark.sql(statement.replace("`t`", f"delta.`{table}`"))
    finally:
        for key in settings:
            spark.conf.unset(key)
    last = max(int(os.path.basename(path)[:20]) for path in glob.glob(os.path.join(table, "_delta_log", "*.json")) if os.path.basename(path)[20:] == ".json")
    versions = {}
    for version in range(last + 1):
        found = spark.sql(query.replace("{t}", f"delta.`{table}` VERSION AS OF {version}"))
        versions[version] = canonical.rows(found.toArrow())
    expected = {"writer": f"Spark {spark.version}, Delta 4.4.0", "query": query.replace("{t}", "t")} | ({"duckdb": duckdb} if duckdb else {}) | {"versions": versions}
    if changes:
        feed = spark.sql(f"SELECT * EXCEPT (_commit_timestamp) FROM table_changes_by_path('{table}', 0, {last})")
        expected["changes"] = canonical.rows(feed.toArrow())
    with open(os.path.join(folder, "rows.json"), "w") as file:
        file.write(compact(expected))
    for path in glob.glob(os.path.join(table, "**", ".*.crc"), recursive=True):
        if os.path.basename(path).startswith("."):
            os.remove(path)


def compact(expected):
    """JSON with a row a line."""
    head = {key: value for key, value in expected.items() if key not in ("versions", "changes")}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    rows = lambda found: "[" + ",".join("\n   " + json.dumps(row, ensure_ascii=False) for row in found) + "]"
    lines.append(' "versions": {\n' + ",\n".join(f'  "{version}": {rows(found)}' for version, found in expected["versions"].items()) + "\n }")
    if "changes" in expected:
        lines.append(' "changes": ' + rows(expected["changes"]))
    return "{\n" + ",\n".join(lines) + "\n}\n"


@case("widening-nested")
def widening_nested():
    yield """CREATE TABLE `t` (id INT, f FLOAT, n INT, d DECIMAL(5,2), b BYTE, day DATE,
      s STRUCT<a: SHORT, in: STRUCT<x: FLOAT, day: DATE>>, l ARRAY<BYTE>, ls ARRAY<STRUCT<a: INT>>, m MAP<SHORT, DECIMAL(4,1)>)
      USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')"""
    values = """({i}, CAST({f} AS FLOAT), {n}, {d}, CAST({b} AS TINYINT), DATE'{day}', named_struct('a', {a}, 'in', named_struct('x', CAST({f} AS FLOAT), 'day', DATE'{day}')),
      array(CAST({b} AS TINYINT), NULL), array(named_struct('a', {n}), NULL), map({a}, CAST({f} AS DECIMAL(4,1))))"""
    yield "INSERT INTO `t` VALUES " + ", ".join(
        [values.format(i=1, f=0.1, n=2147483647, d="999.99", b=127, day="1969-12-31", a="32767S"), values.format(i=2, f=-3.5, n=-7, d="-0.01", b=-128, day="9999-12-31", a="-5S")]
    )
    yield "INSERT INTO `t` (id) VALUES (3)"
    for change in ["id TYPE BIGINT", "f TYPE DOUBLE", "n TYPE DOUBLE", "d TYPE DECIMAL(10,4)", "b TYPE DECIMAL(12,2)", "day TYPE TIMESTAMP_NTZ"]:
        yield f"ALTER TABLE `t` CHANGE COLUMN {change}"
    for change in ["s.a TYPE INT", "s.in.x TYPE DOUBLE", "s.in.day TYPE TIMESTAMP_NTZ", "l.element TYPE SHORT", "ls.element.a TYPE BIGINT", "m.key TYPE BIGINT", "m.value TYPE DECIMAL(14,6)"]:
        yield f"ALTER TABLE `t` CHANGE COLUMN {change}"
    yield """INSERT INTO `t` VALUES (9007199254740993, 0.1D, 0.1D, 123456.7891, 123.45, TIMESTAMP_NTZ'2026-03-15 12:34:56.789123',
      named_struct('a', 2147483647, 'in', named_struct('x', 1e300D, 'day', TIMESTAMP_NTZ'0001-01-01 00:00:00')), array(32767S), array(named_struct('a', 9007199254740993)), map(9007199254740993, 12345678.123456))"""
    yield "ALTER TABLE `t` CHANGE COLUMN s.a TYPE BIGINT"
    yield "ALTER TABLE `t` CHANGE COLUMN l.element TYPE DOUBLE"
    yield "INSERT INTO `t` (id, s, l) VALUES (5, named_struct('a', 9007199254740993, 'in', NULL), array(0.5D))"


@case("widening-partitions")
def widening_partitions():
    yield """CREATE TABLE `t` (id INT, p INT, day DATE, d DECIMAL(4,1)) USING delta PARTITIONED BY (p, day, d)
      TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')"""
    yield "INSERT INTO `t` VALUES (1, 1, DATE'2026-03-15', 1.5), (2, -2147483648, NULL, -999.9), (3, NULL, DATE'1969-12-31', NULL)"
    yield "ALTER TABLE `t` CHANGE COLUMN p TYPE BIGINT"
    yield "ALTER TABLE `t` CHANGE COLUMN day TYPE TIMESTAMP_NTZ"
    yield "ALTER TABLE `t` CHANGE COLUMN d TYPE DECIMAL(10,3)"
    yield "INSERT INTO `t` VALUES (4, 9007199254740993, TIMESTAMP_NTZ'2026-03-15 12:34:56.789123', 1234567.125), (5, 1, TIMESTAMP_NTZ'2026-03-15 00:00:00', 1.5)"


def mapping(mode):
    yield f"""CREATE TABLE `t` (id INT, `a b` STRING, s STRUCT<x: INT, `y,z`: STRING>, l ARRAY<STRUCT<k: INT, v: STRING>>, m MAP<STRING, STRUCT<q: INT, r: INT>>, p STRING)
      USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.columnMapping.mode' = '{mode}')"""
    yield "INSERT INTO `t` VALUES (1, 'eins', named_struct('x', 1, 'y,z', 'a'), array(named_struct('k', 1, 'v', 'a'), NULL), map('one', named_struct('q', 1, 'r', 2)), 'p 1'), (2, NULL, NULL, NULL, NULL, NULL)"
    yield "ALTER TABLE `t` RENAME COLUMN `a b` TO b"
    yield "ALTER TABLE `t` RENAME COLUMN s.x TO `y.x`"
    yield "ALTER TABLE `t` RENAME COLUMN l.element.k TO id"
    yield "ALTER TABLE `t` RENAME COLUMN p TO part"
    yield "INSERT INTO `t` VALUES (3, 'drei', named_struct('y.x', 3, 'y,z', 'c'), array(named_struct('id', 3, 'v', 'c')), map('three', named_struct('q', 3, 'r', 4)), 'p=3')"
    yield "ALTER TABLE `t` DROP COLUMN b"
    yield "ALTER TABLE `t` DROP COLUMN s.`y,z`"
    yield "ALTER TABLE `t` DROP COLUMN m.value.q"
    yield "ALTER TABLE `t` ADD COLUMN (b BIGINT)"
    yield "ALTER TABLE `t` ADD COLUMN (s.`y,z` DOUBLE)"
    yield "ALTER TABLE `t` ADD COLUMN (m.value.q STRING FIRST)"
    yield "INSERT INTO `t` (id, s, l, m, part, b) VALUES (4, named_struct('y.x', 4, 'y,z', 0.5D), array(), map('four', named_struct('q', 'vier', 'r', 4)), 'p=3', 44)"
    yield "ALTER TABLE `t` DROP COLUMN s.`y.x`"
    yield "ALTER TABLE `t` DROP COLUMN l.element.id"
    yield "INSERT INTO `t` (id, s, l, part, b) VALUES (5, named_struct('y,z', 5.5D), array(named_struct('v', 'e')), '', 55)"


@case("mapping-id")
def mapping_id():
    yield from mapping("id")


@case("mapping-name")
def mapping_name():
    yield from mapping("name")


@case("mapping-midway")
def mapping_midway():
    yield "CREATE TABLE `t` (id INT, s STRUCT<x: INT, y: STRING>, p INT) USING delta PARTITIONED BY (p)"
    yield "INSERT INTO `t` VALUES (1, named_struct('x', 1, 'y', 'a'), 1)"
    yield "ALTER TABLE `t` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')"
    yield "ALTER TABLE `t` RENAME COLUMN s.x TO z"
    yield "ALTER TABLE `t` RENAME COLUMN p TO q"
    yield "ALTER TABLE `t` ADD COLUMN (x INT)"
    yield "INSERT INTO `t` (id, s, q, x) VALUES (2, named_struct('z', 2, 'y', 'b'), 2, 22)"
    yield "ALTER TABLE `t` DROP COLUMN id"
    yield "ALTER TABLE `t` ADD COLUMN (id STRING)"
    yield "INSERT INTO `t` (s, q, id) VALUES (named_struct('z', 3, 'y', 'c'), 1, 'three')"


@case("row-tracking", query="SELECT *, _metadata.row_id, _metadata.row_commit_version FROM {t}")
def row_tracking():
    yield "CREATE TABLE `t` (id INT, v STRING) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true', 'delta.enableDeletionVectors' = 'true')"
    yield "INSERT INTO `t` SELECT id, 'a' FROM range(6)"
    yield "INSERT INTO `t` VALUES (10, 'b'), (11, 'b')"
    yield "DELETE FROM `t` WHERE id = 1"
    yield "UPDATE `t` SET v = 'u' WHERE id IN (2, 10)"
    yield "MERGE INTO `t` USING (SELECT * FROM VALUES (3, 'm'), (20, 'm') s(id, v)) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *".replace("INTO `t`", "INTO `t` AS t")
    yield "OPTIMIZE `t`"
    yield "UPDATE `t` SET v = 'z' WHERE id = 5"
    yield "INSERT INTO `t` VALUES (30, 'c')"


@case("row-tracking-mapped", query="SELECT *, _metadata.row_id, _metadata.row_commit_version FROM {t}")
def row_tracking_mapped():
    yield """CREATE TABLE `t` (id INT, v STRING, p INT) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableRowTracking' = 'true', 'delta.columnMapping.mode' = 'name')"""
    yield "INSERT INTO `t` VALUES (1, 'a', 1), (2, 'a', 1), (3, 'a', 2)"
    yield "UPDATE `t` SET v = 'u' WHERE id = 1"
    yield "ALTER TABLE `t` RENAME COLUMN v TO w"
    yield "INSERT INTO `t` VALUES (4, 'b', 2)"
    yield "UPDATE `t` SET p = 3 WHERE id IN (2, 4)"


@case("vectors-and-feed", changes=True)
def vectors_and_feed():
    yield "CREATE TABLE `t` (id INT, v STRING) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.enableChangeDataFeed' = 'true')"
    yield "INSERT INTO `t` SELECT id, 'a' FROM range(8)"
    yield "DELETE FROM `t` WHERE id IN (1, 3)"
    yield "UPDATE `t` SET v = 'u' WHERE id = 5"
    yield "DELETE FROM `t` WHERE id = 0"
    yield "MERGE INTO `t` AS t USING (SELECT * FROM VALUES (2, 'm'), (4, 'm'), (20, 'm') s(id, v)) s ON t.id = s.id WHEN MATCHED AND s.id = 4 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    yield "OPTIMIZE `t`"
    yield "DELETE FROM `t` WHERE id = 6"
    yield "RESTORE TABLE `t` TO VERSION AS OF 2"
    yield "INSERT OVERWRITE `t` VALUES (100, 'new')"


@case("vectors-mapped-checkpoints")
def vectors_mapped_checkpoints():
    yield """CREATE TABLE `t` (id INT, s STRUCT<a: INT, b: STRING>, p STRING) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.columnMapping.mode' = 'id',
      'delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '3')"""
    yield "INSERT INTO `t` SELECT id, named_struct('a', id * 10, 'b', 'x'), concat('p/', id % 2) FROM range(10)"
    yield "DELETE FROM `t` WHERE id IN (2, 3)"
    yield "ALTER TABLE `t` RENAME COLUMN s.a TO c"
    yield "UPDATE `t` SET s.b = 'u' WHERE id = 4"
    yield "ALTER TABLE `t` DROP COLUMN s.b"
    yield "DELETE FROM `t` WHERE p = 'p/1' AND id > 5"
    yield "INSERT INTO `t` VALUES (100, named_struct('c', 1), 'p/0')"


@case("identity-defaults-generated")
def identity_defaults_generated():
    def create(table):
        from delta.tables import IdentityGenerator  # noqa: F401

    yield """CREATE TABLE `t` (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5), v STRING DEFAULT 'none', n INT DEFAULT 7, at TIMESTAMP, day DATE GENERATED ALWAYS AS (CAST(at AS DATE)))
      USING delta PARTITIONED BY (day) TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')"""
    yield "INSERT INTO `t` (v, at) VALUES ('a', TIMESTAMP'2026-03-15 12:00:00'), (DEFAULT, TIMESTAMP'1969-12-31 23:59:59.999999')"
    yield "INSERT INTO `t` (at, n) VALUES (NULL, DEFAULT)"
    yield "ALTER TABLE `t` ALTER COLUMN v SET DEFAULT 'later'"
    yield "INSERT INTO `t` (at, n) VALUES (TIMESTAMP'2026-03-16 00:00:00', 1)"


@case("clustering")
def clustering():
    yield "CREATE TABLE `t` (id INT, s STRUCT<a: INT, b: STRING>, v STRING) USING delta CLUSTER BY (id, s.a)"
    yield "INSERT INTO `t` SELECT id, named_struct('a', id % 3, 'b', 'x'), 'v' FROM range(5)"
    yield "INSERT INTO `t` SELECT id + 5, named_struct('a', id % 3, 'b', 'x'), 'v' FROM range(5)"
    yield "OPTIMIZE `t`"
    yield "ALTER TABLE `t` CLUSTER BY (v)"
    yield "ALTER TABLE `t` CLUSTER BY NONE"


@case("in-commit-timestamps-midway")
def in_commit_timestamps_midway():
    yield "CREATE TABLE `t` (id INT) USING delta"
    yield "INSERT INTO `t` VALUES (1)"
    yield "INSERT INTO `t` VALUES (2)"
    yield "ALTER TABLE `t` SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')"
    yield "INSERT INTO `t` VALUES (3)"
    yield "INSERT INTO `t` VALUES (4)"


@case("void-columns")
def void_columns():
    yield "CREATE TABLE `t` (id INT, v VOID, s STRUCT<x: INT, y: VOID>) USING delta"
    yield "INSERT INTO `t` (id, s) VALUES (1, named_struct('x', 1, 'y', NULL)), (2, NULL)"
    yield "ALTER TABLE `t` ADD COLUMN (w VOID)"
    yield "INSERT INTO `t` (id) VALUES (3)"


@case("timestamps-int96")
def timestamps_int96():
    yield "CREATE TABLE `t` (id INT, ts TIMESTAMP, ntz TIMESTAMP_NTZ, s STRUCT<ts: TIMESTAMP>, l ARRAY<TIMESTAMP>, day DATE) USING delta TBLPROPERTIES ('delta.feature.timestampNtz' = 'supported')"
    for i, text in enumerate(["0001-01-01 00:00:00", "1582-10-04 23:59:59.999999", "1582-10-15 00:00:00", "1677-09-21 00:12:43", "1900-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999",
                              "2026-03-15 12:34:56.789123", "2262-04-11 23:47:17", "9999-12-31 23:59:59.999999"]):
        yield f"INSERT INTO `t` VALUES ({i}, TIMESTAMP'{text}', TIMESTAMP_NTZ'{text}', named_struct('ts', TIMESTAMP'{text}'), array(TIMESTAMP'{text}', NULL), DATE'{text[:10]}')"


@case("parquet-legacy", settings={"spark.sql.parquet.writeLegacyFormat": "true", "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MILLIS", "spark.sql.parquet.compression.codec": "gzip"})
def parquet_legacy():
    yield "CREATE TABLE `t` (id INT, d9 DECIMAL(9,2), d18 DECIMAL(18,4), d38 DECIMAL(38,10), l ARRAY<INT>, ll ARRAY<ARRAY<STRING>>, ls ARRAY<STRUCT<a: INT, b: ARRAY<INT>>>, m MAP<STRING, STRUCT<x: INT>>, at TIMESTAMP) USING delta"
    yield """INSERT INTO `t` VALUES (1, -9999999.99, 12345678901234.5678, -1234567890123456789012345678.0123456789, array(1, NULL), array(array('a', NULL), NULL, array()),
      array(named_struct('a', 1, 'b', array(1, 2)), NULL), map('k', named_struct('x', 1), 'n', NULL), TIMESTAMP'1969-12-31 23:59:59.999'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 0.01, -0.0001, 0.0000000001, array(), array(), array(), map(), TIMESTAMP'9999-12-31 23:59:59.999')"""


@case("parquet-two-levels")
def parquet_two_levels():
    def older_writer(table):
        """Lists and maps as Parquet had them before its specification of either: two levels, one level, other names."""
        jvm = spark._jvm
        kind = jvm.org.apache.parquet.schema.MessageTypeParser.parseMessageType("""message m { required int32 id;
          optional group l (LIST) { repeated int32 array; } optional group ls (LIST) { repeated group ls_tuple { optional int32 a; optional int32 b; } }
          optional group m (MAP) { repeated group map (MAP_KEY_VALUE) { required binary key (UTF8); optional int32 value; } } repeated int32 bare; }""")
        group = jvm.org.apache.parquet.example.data.simple.SimpleGroup
        builder = getattr(jvm.org.apache.parquet.hadoop.example, "ExampleParquetWriter").builder(jvm.org.apache.hadoop.fs.Path(os.path.join(table, "older.parquet"))).withType(kind)
        writer = builder.build()
        full = group(kind).append("id", 1)
        numbers = full.addGroup("l")
        for value in (1, -2):
            numbers.append("array", value)
            full.append("bare", value)
        structs = full.addGroup("ls")
        structs.addGroup("ls_tuple").append("a", 5)
        structs.addGroup("ls_tuple")
        entries = full.addGroup("m")
        entries.addGroup("map").append("key", "k").append("value", 7)
        entries.addGroup("map").append("key", "n")
        writer.write(full)
        empty = group(kind).append("id", 2)
        for name in ("l", "ls", "m"):
            empty.addGroup(name)
        writer.write(empty)
        writer.write(group(kind).append("id", 3))
        writer.close()
        add = {"path": "older.parquet", "partitionValues": {}, "size": os.path.getsize(os.path.join(table, "older.parquet")), "modificationTime": 0, "dataChange": True}
        with open(os.path.join(table, "_delta_log", f"{1:020}.json"), "w") as file:
            file.write(json.dumps({"add": add}) + "\n")

    yield "CREATE TABLE `t` (id INT, l ARRAY<INT>, ls ARRAY<STRUCT<a: INT, b: INT>>, m MAP<STRING, INT>, bare ARRAY<INT>) USING delta"
    yield older_writer


@case("variant", query="SELECT id, coalesce(to_json(v), 'null') AS v, coalesce(to_json(s.v), 'null') AS sv, transform(l, e -> coalesce(to_json(e), 'null')) AS l FROM {t}",
      duckdb="SELECT id, CAST(v AS JSON)::VARCHAR AS v, CAST(s.v AS JSON)::VARCHAR AS sv, [CAST(e AS JSON)::VARCHAR FOR e IN l] AS l FROM t")
def variant():
    yield "CREATE TABLE `t` (id INT, v VARIANT, s STRUCT<v: VARIANT>, l ARRAY<VARIANT>) USING delta"
    yield """INSERT INTO `t` SELECT id, parse_json(j), named_struct('v', parse_json(j)), array(parse_json(j), NULL) FROM VALUES
      (1, '{"a": 1, "b": "x", "c": [1, "two", null, {"d": true}]}'), (2, '"text"'), (3, '9007199254740993'), (4, 'null'), (5, '[]'), (6, '{}'), (7, '{"b": null, "zz": 1}') s(id, j)"""
    yield "INSERT INTO `t` (id) VALUES (8)"


def shredding():
    yield "CREATE TABLE `t` (id INT, v VARIANT) USING delta TBLPROPERTIES ('delta.enableVariantShredding' = 'true')"
    yield """INSERT INTO `t` SELECT id, parse_json(j) FROM VALUES
      (1, '{"a": 1, "b": "x", "c": [1, "two", null, {"d": true}]}'), (2, '"text"'), (3, '9007199254740993'), (4, 'null'), (5, '[]'), (6, '{}'), (7, '{"b": null, "zz": 1}'),
      (8, '{"a": "no number", "b": 5}'), (9, NULL), (10, '{"a": 2, "b": "y", "zz": [{"a": 3}]}') s(id, j)"""


variants = "SELECT id, coalesce(to_json(v), 'null') AS v FROM {t}"
shred = {"spark.sql.variant.writeShredding.enabled": "true", "spark.sql.variant.allowReadingShredded": "true"}
forced = shred | {"spark.sql.variant.inferShreddingSchema": "false", "spark.sql.variant.forceShreddingSchemaForTest": "a BIGINT, b STRING"}


@case("variant-shredded", query=variants, duckdb=as_json, settings=forced | {"spark.sql.parquet.variant.annotateLogicalType.enabled": "false"})
def variant_shredded():
    yield from shredding()


@case("variant-shredded-annotated", query=variants, duckdb=as_json, settings=forced | {"spark.sql.parquet.variant.annotateLogicalType.enabled": "true"})
def variant_shredded_annotated():
    yield from shredding()


@case("variant-inferred", query=variants, duckdb=as_json, settings=shred | {"spark.sql.variant.inferShreddingSchema": "true"})
def variant_inferred():
    yield from shredding()


@case("variant-unannotated", query=variants, duckdb=as_json, settings={"spark.sql.parquet.variant.annotateLogicalType.enabled": "false"})
def variant_unannotated():
    yield from shredding()


for name in sys.argv[1:] or cases:
    try:
        make(name)
        print(name, "made")
    except Exception as error:
        print(name, "FAILED", str(error)[:1500])
        if len(sys.argv) > 1:
            raise
spark.stop()
shutil.rmtree(scratch, ignore_errors=True)
