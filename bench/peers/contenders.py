"""Contenders of the benchmarks that live in Python: delta-rs, and DuckLake in row_changes.py.

`contenders.py CASE CONTENDER SETTING` speaks the protocol of
harness/contender.worker.ts; `contenders.py --call FUNCTION ARGUMENT...` runs one function.
"""
import json
import os
import sys
import time

import dvc_remotes
import pyarrow as pa
import row_changes
from row_changes import cpu


def parquet_to_arrow(source, target):
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    table = table.cast(pa.schema([pa.field(f.name, pa.timestamp("us", "UTC") if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]))
    with pa.OSFile(target, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=65536)


def small_batches(count):
    from datetime import datetime, timedelta, timezone

    begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    kinds = pa.schema([("id", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("user", pa.string()), ("amount", pa.float64()), ("country", pa.string())])
    return [
        pa.table(
            {
                "id": [n * 100 + i for i in range(100)],
                "at": [begin + timedelta(seconds=n * 100 + i) for i in range(100)],
                "user": [f"user{10000 + i}" for i in range(100)],
                "amount": [i / 4 for i in range(100)],
                "country": ["DE" if i % 2 else "FR" for i in range(100)],
            },
            schema=kinds,
        )
        for n in range(count)
    ]


def small_appends(setting):
    from deltalake import DeltaTable, write_deltalake

    batches = small_batches(300)

    def sample(round):
        path = os.path.join(setting["work"], f"t{round}")
        write_deltalake(path, batches[0])
        table = DeltaTable(path)
        times = []
        for batch in batches:
            began = time.perf_counter()
            write_deltalake(table, batch, mode="append")
            times.append((time.perf_counter() - began) * 1000)
        times.sort()
        return {"p50": times[len(times) // 2], "p95": times[len(times) * 95 // 100]}

    return sample


def append_parquet(setting):
    import pyarrow.parquet as pq
    from deltalake import write_deltalake

    source = os.path.join(setting["data"], "rows-2m", "0.parquet")

    def sample(round):
        reader = pq.ParquetFile(source)
        batches = pa.RecordBatchReader.from_batches(reader.schema_arrow, reader.iter_batches(65536))
        write_deltalake(os.path.join(setting["work"], f"t{round}"), batches)

    return sample


def opener(versions):
    def start(setting):
        from deltalake import DeltaTable

        path = os.path.join(setting["data"], f"history-{versions}")

        def sample(round):
            began = time.perf_counter()
            assert DeltaTable(path).version() == versions
            return {"open": (time.perf_counter() - began) * 1000}

        return sample

    return start


def count_in(table):
    import pyarrow.compute as compute

    actions = pa.table(table.get_add_actions(flatten=True).select(["num_records"]))
    return compute.sum(actions["num_records"]).as_py() or 0


def counter(folder, rows):
    def start(setting):
        from deltalake import DeltaTable

        path = os.path.join(setting["data"], folder)

        def sample(round):
            assert count_in(DeltaTable(path)) == rows

        return sample

    return start


def jumps(setting):
    from deltalake import DeltaTable

    path = os.path.join(setting["data"], "long-10000")

    def sample(round):
        seed = 7 + round
        table = DeltaTable(path)
        for _ in range(50):
            seed = seed * 16807 % 2147483647
            table.load_as_version(seed % 10001)
            count_in(table)

    return sample


def optimize_small(setting):
    import shutil

    from deltalake import DeltaTable

    def sample(round):
        path = os.path.join(setting["work"], f"t{round}")
        shutil.copytree(os.path.join(setting["data"], "table-small-files"), path)
        began = time.perf_counter()
        DeltaTable(path).optimize.compact()
        return {"wall": (time.perf_counter() - began) * 1000}

    return sample


contenders = {
    ("optimize-small", "delta-rs"): optimize_small,
    ("wide-count", "delta-rs"): counter("wide-1m", 100_000_000),
    ("long-log", "delta-rs"): counter("long-100000", 9_000_100),
    ("jumps", "delta-rs"): jumps,
    ("append-small", "delta-rs"): small_appends,
    ("append-parquet", "delta-rs"): append_parquet,
    ("open", "delta-rs 10"): opener(10),
    ("open", "delta-rs 10000"): opener(10000),
    **row_changes.contenders,
    **dvc_remotes.contenders,
}


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def serve(case, contender, setting):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(value):
        answers.write("\u0001" + json.dumps(value) + "\n")
        answers.flush()

    sample = contenders[(case, contender)](json.loads(setting))
    say({"ready": True})
    for line in sys.stdin:
        before, began = cpu(), time.perf_counter()
        try:
            own = sample(int(line.split()[1])) or {}
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})
            continue
        say({"wall": (time.perf_counter() - began) * 1000, "cpu": cpu() - before, "peak": peak(), **own})


if sys.argv[1] == "--call":
    globals()[sys.argv[2]](*sys.argv[3:])
else:
    serve(*sys.argv[1:])
