"""delta-rs and DuckDB's Delta extension as one server (server.py)."""
import os
import shutil

import deltalake
import duckdb
import duckdb_extension_delta
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, write_deltalake

import canonical
from server import serve

extension = os.path.join(os.path.dirname(duckdb_extension_delta.__file__), "extensions", "v1.5.5", "delta.duckdb_extension")


engine = duckdb.connect()
engine.execute(f"LOAD '{extension}'")
engine.execute("SET GLOBAL TimeZone = 'UTC'")


def arrow(query):
    return engine.cursor().execute(query).to_arrow_table()


def rs_read(path, version=None, where=None):
    # Columns are read one way for all: a query, which applies deletion vectors and keeps 64-bit numbers.
    table = DeltaTable(path, version=version)
    batches = QueryBuilder().register("t", table).execute("select * from t" + (f" where {where}" if where else ""))
    return canonical.rows(pa.table(batches) if not isinstance(batches, pa.Table) else batches)


def rs_version(path):
    return DeltaTable(path).version()


def rs_history(path):
    return DeltaTable(path).history()


def rs_append(path, query, partition_by=None, mode="append", txn=None, configuration=None):
    properties = CommitProperties(app_transactions=[Transaction(txn["appId"], txn["version"])]) if txn else None
    write_deltalake(path, arrow(query), mode=mode, partition_by=partition_by, commit_properties=properties, configuration=configuration)
    return DeltaTable(path).version()


def rs_checkpoint(path):
    DeltaTable(path).create_checkpoint()


def rs_txn(path, app_id):
    return DeltaTable(path).transaction_version(app_id)


def duck_read(path, version=None, where=None):
    at = "" if version is None else f", version := {version}"
    where = f" WHERE {where}" if where else ""
    return canonical.rows(arrow(f"SELECT * FROM delta_scan('{path}'{at}){where}"))


def duck_insert(path, query):
    # A database of its own: a fatal error of the extension closes the whole of it.
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension}'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{path}' AS t (TYPE delta)")
        connection.execute(f"INSERT INTO t {query}")


def duck_parquet(path, query):
    """Writes a plain Parquet file."""
    engine.cursor().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def canonical_of(query):
    """The rows of a DuckDB query over nothing of ours: what the comparison is tried on."""
    return canonical.rows(arrow(query))


serve(
    {f.__name__: f for f in (rs_read, rs_version, rs_history, rs_append, rs_checkpoint, rs_txn, duck_read, duck_insert, duck_parquet, canonical_of)}
    | {"ping": lambda: f"deltalake {deltalake.__version__}, duckdb {duckdb.__version__}"}
)
