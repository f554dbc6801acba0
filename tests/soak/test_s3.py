"""A bucket of a server that speaks S3 is read like a folder, by this machine and by the workers of a cluster."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dask_cluster import DaskCluster
from result_tables import tables_of

from benchmarks.drawn import draw_files

for needed in ("s3fs", "distributed"):
    pytest.importorskip(needed, reason="needs the extras s3 and cluster")
boto3 = pytest.importorskip("boto3")
moto_server = pytest.importorskip("moto.server")

ROOT = Path(__file__).parents[2]
URL = "s3://scans/monday"
FILES = 12


@pytest.fixture
def bucket(monkeypatch):
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    store = boto3.client("s3")
    store.create_bucket(Bucket="scans")
    yield lambda name, data: store.put_object(Bucket="scans", Key=f"monday/{name}", Body=data)
    server.stop()


def run(folder, name, source, *flags):
    places = ("--results", f"r-{name}", "--review", f"v-{name}", "--state", f"s-{name}")
    done = subprocess.run(
        [sys.executable, "-m", "flows.process_folder", source, "--no-prefect", "--json", *places, *flags],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT), "DIGITOCR_SETTLE": "0", "DIGITOCR_CHUNK": "2"},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.timeout(900)
def test_it_is_read_like_a_folder(bucket, tmp_path):
    files = draw_files(tmp_path / "in", FILES)
    for path in files:
        bucket(path.name, path.read_bytes())
    (tmp_path / "dask").mkdir()
    dask = DaskCluster(tmp_path / "dask")
    try:
        dask.start_scheduler()
        dask.start_worker("one")
        for name, source, workers in (
            ("folder", "in", "1"), ("bucket", URL, "1"), ("cluster", URL, dask.address)
        ):  # fmt: skip
            done = run(tmp_path, name, source, "--workers", workers)
            assert done.returncode == 0, done.stderr
    finally:
        dask.end()
    expected = tables_of(tmp_path, "r-folder", "v-folder")
    assert tables_of(tmp_path, "r-bucket", "v-bucket") == expected
    assert tables_of(tmp_path, "r-cluster", "v-cluster") == expected
    bucket(files[0].name, files[1].read_bytes() + b"\0")
    again = run(tmp_path, "bucket", URL, "--workers", "1")
    assert f'"unchanged": {FILES - 1}' in again.stdout
    assert '"done": 1' in again.stdout


def test_a_bucket_that_is_not_there_is_told(bucket, tmp_path):
    done = run(tmp_path, "none", "s3://nowhere/monday", "--workers", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot read s3://nowhere/monday: ")
    assert done.stderr.count("\n") == 2, done.stderr
