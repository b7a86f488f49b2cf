"""DVC beside push and pull: the same files in a folder that DVC tracks, with a remote in another folder. It has an environment of its own."""
import os
import shutil
import subprocess
import time

MANY_FILES = 10_000
CHANGED_FILES = 10
ENVIRONMENT = {**os.environ, "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1"}


def dvc(setting, folder, *arguments):
    program = os.path.join(os.path.dirname(setting["peers"]), "dvc-venv", "bin", "dvc")
    began = time.perf_counter()
    subprocess.run([program, *arguments, "--quiet"], cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def workspace(setting, folder, remote):
    os.makedirs(folder)
    dvc(setting, folder, "init", "--no-scm")
    dvc(setting, folder, "config", "core.analytics", "false")
    dvc(setting, folder, "remote", "add", "-d", "there", remote)


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)


def push_change(setting):
    import duckdb

    own, remote = os.path.join(setting["work"], "dvc"), os.path.join(setting["work"], "dvc-remote")
    workspace(setting, own, remote)
    data = os.path.join(own, "data")
    os.makedirs(data)
    source = os.path.join(setting["data"], "table-10m")
    files = sorted(name for name in os.listdir(source) if name.endswith(".parquet"))
    for name in files:
        shutil.copyfile(os.path.join(source, name), os.path.join(data, name))
    dvc(setting, own, "add", "data")
    first = dvc(setting, own, "push")
    total = folder_bytes(remote)

    def sample(round):
        before = folder_bytes(remote)
        for name in files:
            file = os.path.join(data, name)
            duckdb.sql(
                f"COPY (SELECT * REPLACE (CASE WHEN id % 100 = {50 + round} THEN -amount - 1 ELSE amount END AS amount) FROM '{file}')"
                f" TO '{file}.new' (FORMAT parquet, COMPRESSION zstd)"
            )
            os.replace(f"{file}.new", file)
        dvc(setting, own, "add", "data")
        wall = dvc(setting, own, "push")
        return {"wall": wall, "share": (folder_bytes(remote) - before) / total, "first": first}

    return sample


def write_small(folder, part, sign):
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = pa.array([sign * (part * 20 + i) for i in range(20)], pa.int64())
    pq.write_table(pa.table({"id": ids}), os.path.join(folder, f"part-{part}.parquet"))


def move_many(setting):
    def sample(round):
        own, remote, copy = (os.path.join(setting["work"], f"{name}{round}") for name in ("dvc", "dvc-remote", "dvc-copy"))
        workspace(setting, own, remote)
        data = os.path.join(own, "data")
        os.makedirs(data)
        for part in range(MANY_FILES):
            write_small(data, part, 1)
        dvc(setting, own, "add", "data")
        push = dvc(setting, own, "push")
        workspace(setting, copy, remote)
        shutil.copy(os.path.join(own, "data.dvc"), copy)
        pull = dvc(setting, copy, "pull")
        for part in range(CHANGED_FILES):
            os.unlink(os.path.join(data, f"part-{part}.parquet"))
            write_small(data, part, -1)
        dvc(setting, own, "add", "data")
        push_again = dvc(setting, own, "push")
        shutil.copy(os.path.join(own, "data.dvc"), copy)
        pull_again = dvc(setting, copy, "pull")
        for folder in (own, remote, copy):
            shutil.rmtree(folder)
        return {"push": push, "pushAgain": push_again, "pull": pull, "pullAgain": pull_again}

    return sample


contenders = {("push-change", "dvc"): push_change, ("move-many", "dvc"): move_many}
