"""The tables of this folder whose files PyArrow writes, each in another manner, and one of delta-rs.

    .interop/venv/bin/python spec/cases/make-arrow.py

A commit is one file: its rows stand in this script, once, and `rows.json` holds them in the canonical form of
`test/interop/peers/canonical.py`. The logs are written here, by the protocol, so that the files may be as no one writer makes them all.
"""
import datetime as dt
import decimal
import json
import os
import shutil
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "test", "interop", "peers"))
import canonical
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder, write_deltalake

D = decimal.Decimal
UTC = dt.timezone.utc


def start(name):
    folder = os.path.join(here, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "table", "_delta_log"))
    return folder


def commit(folder, version, actions):
    with open(os.path.join(folder, "table", "_delta_log", f"{version:020}.json"), "w") as file:
        for action in actions:
            file.write(json.dumps(action, separators=(",", ":")) + "\n")


def add(folder, path, rows):
    size = os.path.getsize(os.path.join(folder, "table", path))
    return {"add": {"path": path, "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": True, "stats": json.dumps({"numRecords": rows})}}


def field(name, kind, nullable=True):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": {}}


def first(fields, reader_features=()):
    schema = json.dumps({"type": "struct", "fields": fields})
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": list(reader_features), "writerFeatures": list(reader_features)}
    return [{"protocol": protocol}, {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "format": {"provider": "parquet", "options": {}}, "schemaString": schema, "partitionColumns": [], "configuration": {}}}]


def write_rows(folder, versions, writer="PyArrow " + pa.__version__):
    lines = [f'  "{version}": [' + ",".join("\n   " + json.dumps(row, ensure_ascii=False) for row in rows) + "]" for version, rows in enumerate(versions)]
    with open(os.path.join(folder, "rows.json"), "w") as file:
        file.write('{\n "writer": ' + json.dumps(writer) + ',\n "query": "SELECT * FROM t",\n "versions": {\n' + ",\n".join(lines) + "\n }\n}\n")


# Every flat type with its ends, and nested ones with NULL and the empty value at each level.
table_type = pa.schema([
    ("id", pa.int32()), ("l", pa.int64()), ("f", pa.float32()), ("d", pa.float64()), ("b", pa.bool_()), ("t", pa.string()), ("bin", pa.binary()), ("day", pa.date32()),
    ("ts", pa.timestamp("us", "UTC")), ("ntz", pa.timestamp("us")), ("d9", pa.decimal128(9, 2)), ("d18", pa.decimal128(18, 4)), ("d38", pa.decimal128(38, 10)),
    ("arr", pa.list_(pa.int32())), ("arr2", pa.list_(pa.list_(pa.string()))), ("st", pa.struct([("x", pa.int64()), ("y", pa.list_(pa.struct([("z", pa.string())])))])), ("mp", pa.map_(pa.string(), pa.int64())),
])
delta_fields = [
    field("id", "integer"), field("l", "long"), field("f", "float"), field("d", "double"), field("b", "boolean"), field("t", "string"), field("bin", "binary"), field("day", "date"),
    field("ts", "timestamp"), field("ntz", "timestamp_ntz"), field("d9", "decimal(9,2)"), field("d18", "decimal(18,4)"), field("d38", "decimal(38,10)"),
    field("arr", {"type": "array", "elementType": "integer", "containsNull": True}),
    field("arr2", {"type": "array", "elementType": {"type": "array", "elementType": "string", "containsNull": True}, "containsNull": True}),
    field("st", {"type": "struct", "fields": [field("x", "long"), field("y", {"type": "array", "elementType": {"type": "struct", "fields": [field("z", "string")]}, "containsNull": True})]}),
    field("mp", {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True}),
]


def rows_of(start_id):
    least = [start_id, -(2**63), -3.4e38, -1.7976931348623157e308, True, "", b"", dt.date(1, 1, 1), dt.datetime(1970, 1, 1, tzinfo=UTC) - dt.timedelta(microseconds=1), dt.datetime(1, 1, 1), D("-9999999.99"),
             D("-99999999999999.9999"), D("-9999999999999999999999999999.9999999999"), [], [], {"x": -(2**63), "y": []}, []]
    most = [start_id + 1, 2**63 - 1, 3.4e38, 1.7976931348623157e308, False, "ü€😀\\x41", b"\x00\xff\x80", dt.date(9999, 12, 31), dt.datetime(2026, 3, 15, 12, 34, 56, 789123, UTC), dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
            D("9999999.99"), D("99999999999999.9999"), D("9999999999999999999999999999.9999999999"), [1, None, -5], [["a", None], [], None], {"x": None, "y": [{"z": "é"}, None, {"z": None}]}, [("k", 9007199254740993), ("n", None)]]
    none = [start_id + 2] + [None] * (len(least) - 1)
    return pa.Table.from_pylist([dict(zip(table_type.names, row)) for row in (least, most, none)], schema=table_type)


# How each file is written: the codecs and encodings that DuckDB has, both kinds of pages, decimals as integers and as bytes.
manners = {
    "snappy": dict(compression="snappy"),
    "gzip": dict(compression="gzip"),
    "zstd-v2": dict(compression="zstd", data_page_version="2.0"),
    "lz4": dict(compression="lz4"),
    "brotli": dict(compression="brotli"),
    "none-plain": dict(compression="none", use_dictionary=False),
    "decimals-as-integers": dict(store_decimal_as_integer=True),
    "delta-encodings": dict(use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED", "l": "DELTA_BINARY_PACKED", "t": "DELTA_BYTE_ARRAY", "bin": "DELTA_LENGTH_BYTE_ARRAY", "f": "BYTE_STREAM_SPLIT", "d": "BYTE_STREAM_SPLIT"}),
    "item-lists": dict(use_compliant_nested_type=False),
    "small-groups": dict(row_group_size=1, data_page_size=1),
    "version-1": dict(version="1.0"),
    "no-statistics": dict(write_statistics=False, store_schema=False),
}


def parquet_manners():
    folder = start("parquet-manners")
    versions, found = [], []
    for version, (name, options) in enumerate(manners.items()):
        rows = rows_of(version * 10)
        pq.write_table(rows, os.path.join(folder, "table", f"{name}.parquet"), **options)
        commit(folder, version, (first(delta_fields, ["timestampNtz"]) if version == 0 else []) + [add(folder, f"{name}.parquet", len(rows))])
        found = found + canonical.rows(rows)
        versions.append(found)
    write_rows(folder, versions)


def int96():
    """Instants as INT96, nanoseconds and milliseconds."""
    folder = start("parquet-int96")
    instants = [dt.datetime(1900, 1, 1, 0, 0, 0, 1, UTC), dt.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), dt.datetime(2026, 3, 15, 12, 34, 56, 789123, UTC), dt.datetime(2261, 12, 31, 23, 59, 59, 999999, UTC), None]
    rows = pa.table({"id": pa.array(range(len(instants)), pa.int32()), "ts": pa.array(instants, pa.timestamp("us", "UTC")), "l": pa.array([[i, None] for i in instants], pa.list_(pa.timestamp("us", "UTC")))})
    pq.write_table(rows, os.path.join(folder, "table", "int96.parquet"), use_deprecated_int96_timestamps=True)
    fields = [field("id", "integer"), field("ts", "timestamp"), field("l", {"type": "array", "elementType": "timestamp", "containsNull": True})]
    commit(folder, 0, first(fields) + [add(folder, "int96.parquet", len(rows))])
    for version, (unit, zone) in enumerate([("ns", "UTC"), ("ms", "UTC"), ("ns", None)], 1):
        other = pa.table({"id": pa.array([10 * version], pa.int32()), "ts": pa.array([dt.datetime(2026, 3, 15, 12, 34, 56, 789000)], pa.timestamp(unit, zone)), "l": pa.array([[]], pa.list_(pa.timestamp(unit, zone)))})
        pq.write_table(other, os.path.join(folder, "table", f"{unit}-{zone}.parquet"), version="2.6")
        commit(folder, version, [add(folder, f"{unit}-{zone}.parquet", 1)])
    more = [canonical.rows(pa.table({"id": pa.array([10 * v], pa.int32()), "ts": pa.array([dt.datetime(2026, 3, 15, 12, 34, 56, 789000, UTC)], pa.timestamp("us", "UTC")), "l": pa.array([[]], pa.list_(pa.timestamp("us", "UTC")))})) for v in (1, 2, 3)]
    base = canonical.rows(rows)
    write_rows(folder, [base, base + more[0], base + more[0] + more[1], base + more[0] + more[1] + more[2]])


def other_columns():
    """Columns that a file has more, fewer, in another order, case, width, nullability, or unsigned."""
    folder = start("parquet-other-columns")
    fields = [field("id", "long"), field("name", "string"), field("n", "long"), field("s", {"type": "struct", "fields": [field("a", "integer"), field("b", "string")]})]
    wide = pa.schema([("id", pa.int64()), ("name", pa.string()), ("n", pa.int64()), ("s", pa.struct([("a", pa.int32()), ("b", pa.string())]))])
    files = [
        ("unsigned", pa.table({"ID": pa.array([1, 2], pa.uint32()), "n": pa.array([255, None], pa.uint8()), "Name": pa.array(["ä", None])}), [[1, "ä", 255, None], [2, None, None, None]]),
        ("unsigned-64", pa.table({"n": pa.array([2**63 - 1], pa.uint64()), "id": pa.array([3], pa.uint16())}), [[3, None, 2**63 - 1, None]]),
        ("more", pa.table({"_change_type": pa.array(["insert"]), "s": pa.array([{"c": 1.5, "B": "x", "a": 7}], pa.struct([("c", pa.float64()), ("B", pa.string()), ("a", pa.int8())])), "id": pa.array([4], pa.int32()), "extra": pa.array([[1]])}), [[4, None, None, {"a": 7, "b": "x"}]]),
        ("required", pa.table({"id": pa.array([5], pa.int64()), "name": pa.array(["r"])}, schema=pa.schema([pa.field("id", pa.int64(), False), pa.field("name", pa.string(), False)])), [[5, "r", None, None]]),
        ("dictionary", pa.table({"id": pa.array([6, 7], pa.int64()), "name": pa.array(["x", "x"]).dictionary_encode()}), [[6, "x", None, None], [7, "x", None, None]]),
        ("large", pa.table({"id": pa.array([8], pa.int64()), "name": pa.array(["big"], pa.large_string())}), [[8, "big", None, None]]),
        ("empty", pa.table({"id": pa.array([], pa.int64())}), []),
    ]
    versions, found = [], []
    for version, (name, rows, expected) in enumerate(files):
        pq.write_table(rows, os.path.join(folder, "table", f"{name}.parquet"))
        commit(folder, version, (first(fields) if version == 0 else []) + [add(folder, f"{name}.parquet", len(rows))])
        found = found + canonical.rows(pa.Table.from_pylist([dict(zip(wide.names, row)) for row in expected], schema=wide))
        versions.append(found)
    write_rows(folder, versions)


def delta_rs():
    """What delta-rs does to a table: partitions that need escaping, added columns, deletes, merges, a checkpoint, a compaction."""
    folder = start("delta-rs-operations")
    path = os.path.join(folder, "table")
    shutil.rmtree(path)
    rows = lambda ids, p, **more: pa.table({"id": pa.array(ids, pa.int64()), "p": pa.array([p] * len(ids), pa.string())} | more)
    write_deltalake(path, rows([1, 2, 3], "a/b %20=ü"), partition_by=["p"], configuration={"delta.enableChangeDataFeed": "true"})
    write_deltalake(path, rows([4, 5], None), mode="append")
    write_deltalake(path, rows([6], "a/b %20=ü", v=pa.array([1.5], pa.float64())), mode="append", schema_mode="merge")
    DeltaTable(path).delete("id = 2")
    DeltaTable(path).update(updates={"v": "2.5"}, predicate="id = 4")
    source = rows([5, 9], "m", v=pa.array([5.5, 9.5], pa.float64()))
    DeltaTable(path).merge(source, "t.id = s.id", "s", "t").when_matched_update_all().when_not_matched_insert_all().execute()
    DeltaTable(path).create_checkpoint()
    DeltaTable(path).optimize.compact()
    DeltaTable(path).restore(2)
    last = DeltaTable(path).version()
    versions = []
    for version in range(last + 1):
        table = QueryBuilder().register("t", DeltaTable(path, version=version)).execute("select * from t").read_all()
        versions.append(canonical.rows(pa.table(table)))
    write_rows(folder, versions, "delta-rs 1.6.6")


for make in (parquet_manners, int96, other_columns, delta_rs):
    make()
    print(make.__name__)
