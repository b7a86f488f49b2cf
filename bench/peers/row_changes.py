"""Rows changed by the peers that live in Python: delta-rs, and DuckLake in DuckDB. See harness/changing.ts for the rows and the changes."""
import os
import resource
import time

SCATTERED = "id % 100 = 7"
NEW_AMOUNT = "-amount - 1"
FILES = 8


def cpu():
    return sum(r.ru_utime + r.ru_stime for r in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))) * 1000


def total(setting):
    return 200_000 if setting["short"] else 2_000_000


def source_of(setting):
    return os.path.join(setting["data"], "rows-merge-" + ("10k" if setting["short"] else "100k"), "0.parquet")


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)


def measured(folder, work):
    before, processor, began = folder_bytes(folder), cpu(), time.perf_counter()
    work()
    sample = {"wall": (time.perf_counter() - began) * 1000, "cpu": cpu() - processor}
    written = folder_bytes(folder) - before
    return {**sample, "written": written / 2**20, "share": written / before}


def check(change, setting, rows, negative):
    before = total(setting)
    expected = {"delete": (before - before // 100, 0), "update": (before, before // 100), "merge": (before + before // 40, before // 20)}[change]
    if (rows, negative) != expected:
        raise AssertionError(f"{rows} rows after {change}, {negative} of them changed, not {expected}")


def ranges(setting):
    rows = total(setting) // FILES
    return [(i * rows, rows) for i in range(FILES)]


def arrow_rows(setting, file):
    import pyarrow.ipc as ipc

    with ipc.open_stream(os.path.join(setting["data"], file, "0.arrow")) as reader:
        return reader.read_all()


def load_delta(setting, folder, partition_by=None):
    from deltalake import DeltaTable, write_deltalake

    rows = arrow_rows(setting, "arrow-2m")
    for first, count in ranges(setting):
        write_deltalake(folder, rows.slice(first, count), mode="append", partition_by=partition_by)
    return DeltaTable(folder)


def by_delta(change):
    def start(setting):
        from deltalake import QueryBuilder

        folder = os.path.join(setting["work"], "t")
        table = load_delta(setting, folder)
        version = table.version()
        source = arrow_rows(setting, "arrow-merge-" + ("10k" if setting["short"] else "100k"))

        def work():
            if change == "delete":
                table.delete(SCATTERED)
            elif change == "update":
                table.update(predicate=SCATTERED, updates={"amount": NEW_AMOUNT})
            else:
                merge = table.merge(source, "target.id = source.id", source_alias="source", target_alias="target")
                merge.when_matched_update_all().when_not_matched_insert_all().execute()

        def sample(round):
            measures = measured(folder, work)
            counts = QueryBuilder().register("t", table).execute("SELECT count(*) AS n, count(*) FILTER (WHERE amount < 0) AS negative FROM t")
            rows = counts.read_all() if hasattr(counts, "read_all") else counts
            check(change, setting, int(rows.column(0)[0].as_py()), int(rows.column(1)[0].as_py()))
            table.restore(version)
            return measures

        return sample

    return start


def open_lake(setting):
    import duckdb
    import duckdb_extension_ducklake as extension

    connection = duckdb.connect()
    connection.execute(f"LOAD '{os.path.join(list(extension.__path__)[0], 'extensions', 'v1.5.5', 'ducklake.duckdb_extension')}'")
    connection.execute("SET TimeZone = 'UTC'")
    work = setting["work"]
    connection.execute(f"ATTACH 'ducklake:{work}/lake.ducklake' AS lake (DATA_PATH '{work}/lake')")
    return connection


def load_lake(connection, setting, table, partition_by=None):
    rows = os.path.join(setting["data"], "rows-2m", "0.parquet")
    connection.execute(f"CREATE TABLE lake.{table} AS FROM '{rows}' LIMIT 0")
    if partition_by:
        connection.execute(f"ALTER TABLE lake.{table} SET PARTITIONED BY ({partition_by})")
    for first, count in ranges(setting):
        connection.execute(f"INSERT INTO lake.{table} SELECT * FROM '{rows}' WHERE id >= {first} AND id < {first + count}")


def by_lake(change):
    def start(setting):
        connection = open_lake(setting)
        connection.execute(f"CREATE TEMP TABLE source AS FROM '{source_of(setting)}'")

        def sample(round):
            table = f"t{round + 1}"
            load_lake(connection, setting, table)
            sql = {
                "delete": f"DELETE FROM lake.{table} WHERE {SCATTERED}",
                "update": f"UPDATE lake.{table} SET amount = {NEW_AMOUNT} WHERE {SCATTERED}",
                "merge": f"MERGE INTO lake.{table} AS target USING source ON target.id = source.id WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT",
            }[change]
            measures = measured(setting["work"], lambda: connection.execute(sql))
            # The folder holds the tables of the rounds before, too.
            measures["share"] *= round + 2
            check(change, setting, *connection.execute(f"SELECT count(*), count(*) FILTER (WHERE amount < 0) FROM lake.{table}").fetchone())
            return measures

        return sample

    return start


def delete_partitions(countries, delete):
    times = []
    for country in countries:
        began = time.perf_counter()
        delete(f"country = '{country}'")
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {"p50": times[len(times) // 2]}


COUNTRIES = ["DE", "FR", "US", "JP", "BR"]


def partition_by_delta(setting):
    table = load_delta(setting, os.path.join(setting["work"], "t"), ["country"])
    version = table.version()

    def sample(round):
        measures = delete_partitions(COUNTRIES, table.delete)
        table.restore(version)
        return measures

    return sample


def partition_by_lake(setting):
    connection = open_lake(setting)

    def sample(round):
        table = f"t{round + 1}"
        load_lake(connection, setting, table, "country")
        return delete_partitions(COUNTRIES, lambda where: connection.execute(f"DELETE FROM lake.{table} WHERE {where}"))

    return sample


contenders = {
    **{(f"rows-{change}", "delta-rs (does not sync)"): by_delta(change) for change in ("delete", "update", "merge")},
    **{(f"rows-{change}", "ducklake"): by_lake(change) for change in ("delete", "update", "merge")},
    ("delete-partition", "delta-rs (does not sync)"): partition_by_delta,
    ("delete-partition", "ducklake"): partition_by_lake,
}
