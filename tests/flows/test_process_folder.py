import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitocr.errors import OutputError, UsageError
from digitocr.inbox import lock
from digitocr.inbox.job import Summary
from flows import engine, process_folder

ROOT = Path(__file__).parent.parent.parent


def call(*args):
    return CliRunner().invoke(process_folder.app, [str(a) for a in args])


def child(*args, cwd, **kwargs):
    """Run the command as users do."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "flows.process_folder", *map(str, args)]
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False, **kwargs)


@pytest.fixture
def client(prefect_server):
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


def runs(client):
    """Return the runs of flows, the last one first."""
    body = {"sort": "START_TIME_DESC", "limit": 5}
    return client.request("POST", "/flow_runs/filter", json=body).json()


def artifacts(client, run):
    body = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    found = client.request("POST", "/artifacts/filter", json=body).json()
    return [one for one in found if one["type"] != "result"]


def logs(client, run):
    """Return what the log of a run says of ours, once it has arrived."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "limit": 100}
    found = client.request("POST", "/logs/filter", json=body).json()
    return [one["message"] for one in found if one["name"].startswith("digitocr")]


class TestPlain:
    def test_json_has_the_keys_of_the_contract_and_nothing_else_is_on_standard_output(self, fake_model):
        fake_model.put("a.jpg", "107 3?")
        done = call("--no-prefect", "--json")
        assert done.exit_code == 0, done.output
        counts = json.loads(done.stdout)
        assert ",".join(counts) == (
            "files,done,empty,partial,failed,duplicates,unchanged,numbers,digits,review,blank,seconds"
        )
        assert (counts["files"], counts["done"], counts["numbers"], counts["digits"], counts["review"]) == (
            1,
            1,
            2,
            4,
            1,
        )

    def test_the_short_table_says_what_there_is(self, fake_model):
        fake_model.put("a.jpg", "107")
        out = call("--no-prefect").stdout
        assert all(word in out for word in ("files", "numbers", "digits", "for review", "failed", "results/"))

    def test_quiet_says_nothing(self, fake_model):
        fake_model.put("a.jpg", "107")
        done = call("--no-prefect", "--quiet")
        assert (done.stdout, done.stderr) == ("", "")

    @pytest.mark.parametrize(
        ("content", "status"), [("1", 0), ("1?", 0), ("nothing", 0), ("HALF 1", 1), ("BAD", 1), ("BUG", 1)]
    )
    def test_exit_status(self, fake_model, content, status):
        fake_model.put("a.jpg", content)
        assert call("--no-prefect").exit_code == status

    def test_annotated_pictures_are_drawn_when_asked_for(self, fake_model):
        fake_model.put("a.jpg", "107")
        call("--no-prefect", "--annotate")
        assert "a.jpg.annotated.jpg" in fake_model.names("results")

    def test_workers_side_by_side_give_the_same(self, fake_model):
        for i in range(40):
            fake_model.put(f"{i:02}.jpg", f"{i} 5?")
        counts = json.loads(call("--no-prefect", "--json", "--workers", 4).stdout)
        assert (counts["done"], counts["review"]) == (40, 40)
        assert len(fake_model.table("review/queue.csv")) == 40

    @pytest.mark.parametrize(("files", "are_read_here"), [(3, True), (20, False)])
    def test_a_small_run_starts_no_process(self, fake_model, files, are_read_here):
        for i in range(files):
            fake_model.put(f"{i:02}.jpg", f"{i}")
        assert call("--no-prefect", "--workers", 2).exit_code == 0
        assert bool(fake_model.reader.seen) is are_read_here

    def test_a_dry_run_lists_and_touches_nothing(self, fake_model):
        fake_model.put("a.jpg", "107")
        done = call("--dry-run")
        assert done.stdout.split() == ["would", "read", "a.jpg"]
        assert fake_model.names(".") == ["inbox/a.jpg"]
        assert json.loads(call("--dry-run", "--json").stdout)["files"] == 1

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (["nowhere"], "is not there"),
            (["--threshold", "7"], "threshold"),
            (["--config", "gone.toml"], "gone.toml"),
            (["--bogus"], "--bogus"),
            (["--workers", "many"], "workers"),
        ],
    )
    def test_mistakes_end_in_status_2_and_a_message(self, work, args, said):
        done = call(*args)
        assert done.exit_code == 2
        assert said in done.stderr
        assert "Traceback" not in done.output

    def test_a_model_that_is_not_there(self, work, monkeypatch):
        monkeypatch.setenv("DIGITOCR_MODEL", "gone.keras")
        work.put("a.jpg", "1")
        done = call("--no-prefect")
        assert done.exit_code == 2
        assert "gone.keras" in done.stderr

    def test_another_run_is_named(self, fake_model):
        fake_model.put("a.jpg", "1")
        with lock.only_runner(Path(".digitocr"), None, "reading something"):
            done = call("--no-prefect")
        assert done.exit_code == 3
        assert "reading something" in done.stderr

    def test_ctrl_c_keeps_what_was_read_and_the_next_run_goes_on(self, fake_model, monkeypatch):
        monkeypatch.setenv("DIGITOCR_CHUNK", "1")
        for name in "abc":
            fake_model.put(f"{name}.jpg", name)
        real = fake_model.reader.read

        def interrupted(sources, show):
            if sources[0].file == "b.jpg":
                raise KeyboardInterrupt
            return real(sources, show)

        fake_model.reader.read = interrupted
        assert call("--no-prefect", "--workers", 1).exit_code == 130
        assert fake_model.statuses()["a.jpg"] == "empty"
        assert "b.jpg" in fake_model.names("inbox")
        fake_model.reader.read = real
        assert call("--no-prefect").exit_code == 0
        assert fake_model.names("inbox") == []

    def test_sigterm_finishes_what_is_being_read_and_begins_no_more(self, fake_model, monkeypatch):
        monkeypatch.setenv("DIGITOCR_CHUNK", "1")
        for number in range(4):
            fake_model.put(f"{number}.jpg", f"{number}")
        real = fake_model.reader.read

        def ended(sources, show):
            if sources and sources[0].file == "1.jpg":
                os.kill(os.getpid(), signal.SIGTERM)
            return real(sources, show)

        fake_model.reader.read = ended
        assert call("--no-prefect").exit_code == 130
        assert {"0.jpg", "1.jpg"} <= fake_model.statuses().keys()
        fake_model.reader.read = real
        assert call("--no-prefect").exit_code == 0
        assert set(fake_model.statuses().values()) == {"done"}
        assert len(fake_model.statuses()) == 4


class TestStart:
    def test_nothing_to_do_starts_neither_prefect_nor_tensorflow_and_is_quick(self, work):
        work.run()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = child(cwd=work.folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert done.returncode == 0, done.stderr
        assert not (work.folder / ".digitocr" / "prefect").exists()
        assert took < 4, "seconds of a processor: importing Prefect alone takes as long"

    def test_the_command_imports_neither(self):
        check = "import sys, flows.process_folder as _; sys.exit(bool({'tensorflow', 'prefect'} & set(sys.modules)))"
        subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


class TestPrefectServer:
    def test_that_it_is_being_started_is_said_at_once(self, fake_model, monkeypatch):
        def refuse(state, *, verbose):
            raise OutputError("no server today")

        monkeypatch.setattr(engine, "api_is_named", lambda: False)
        monkeypatch.setattr(engine, "prepare", refuse)
        fake_model.put("a.jpg", "1")
        first, second, *_ = call().stderr.splitlines()
        assert first.startswith("starting a Prefect server")
        assert second == "error: no server today"


@pytest.mark.flow
class TestPrefect:
    @pytest.mark.soak
    def test_the_real_thing_reads_an_example_and_leaves_no_server(self, work):
        example = next((ROOT / "examples").glob("*.jpg"))
        work.put(example.name, example.read_bytes())
        done = child("--json", cwd=work.folder, timeout=200)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["done"] == 1
        assert "Traceback" not in done.stderr
        assert (work.folder / ".digitocr" / "prefect").is_dir()
        running = subprocess.run(["ps", "-eo", "args"], text=True, capture_output=True, check=True).stdout
        assert str(work.folder) not in running

    def test_with_prefect_and_without_the_tables_are_the_same(self, fake_model, prefect_server):
        work = fake_model
        other = work.folder / "other"
        for i in range(20):
            work.put(f"{i}.jpg", f"{i}0 7?", other)
        work.put("bad.jpg", "BAD", other)
        with_prefect = call(other, "--json", "--workers", 2)
        without = call(other, "--json", "--workers", 2, "--no-prefect", "--results", "plain")
        assert (with_prefect.exit_code, without.exit_code) == (1, 1), with_prefect.output
        counted = {f.name for f in fields(Summary)} - {"seconds", "stuck"}
        one, two = json.loads(with_prefect.stdout), json.loads(without.stdout)
        assert {k: one[k] for k in counted} == {k: two[k] for k in counted}
        for name in work.names("plain"):
            if name != "files.csv" and not name.startswith(".ledger/"):  # times differ
                assert (work.folder / "results" / name).read_text() == (
                    work.folder / "plain" / name
                ).read_text()

    def test_a_run_shows_what_it_did_in_its_name_tags_log_state_and_one_artifact(
        self, fake_model, client, monkeypatch
    ):
        monkeypatch.setenv("DIGITOCR_WEB_ADDRESS", "http://reviews.example:8000/")
        for i in range(3):
            fake_model.put(f"{i}.jpg", f"{i} 7?")
        fake_model.put("bad | [x](y).jpg", "BAD unlike any other")
        assert call("--json").exit_code == 1
        run = runs(client)[0]
        assert run["name"] == "inbox: 4 files"
        assert set(run["tags"]) == {"digitocr", "inbox"}
        assert run["state"]["name"] == "With failures"
        assert run["state"]["message"] == "4 files: 3 read, 1 failed; 6 numbers, 3 for review"
        said = logs(client, run)
        assert "1.jpg: 2 numbers, 1 for review" in said
        assert "bad | [x](y).jpg: cannot be decoded" in said
        (artifact,) = artifacts(client, run)
        assert artifact["key"] == "summary"
        assert "| failed | 1 |" in artifact["data"]
        link = r"[bad \| \[x\]\(y\).jpg](http://reviews.example:8000/files?text=bad+%7C+%5Bx%5D%28y%29.jpg)"
        assert f"| {link} | failed |" in artifact["data"]

    def test_a_run_without_failures_is_completed_and_one_without_files_leaves_no_artifact(
        self, fake_model, client
    ):
        from flows import definitions

        fake_model.put("a.jpg", "107")
        assert call().exit_code == 0
        first = runs(client)[0]
        assert definitions.process_folder()["files"] == 0
        second = runs(client)[0]
        assert (first["name"], first["state"]["name"]) == ("inbox: 1 file", "Completed")
        assert (second["name"], second["state"]["message"]) == ("inbox: nothing new", "no files")
        assert [len(artifacts(client, run)) for run in (first, second)] == [1, 0]

    def test_why_a_run_failed_stands_in_its_log(self, fake_model, client):
        from flows import definitions

        with pytest.raises(UsageError):
            definitions.process_folder("nowhere")
        assert logs(client, runs(client)[0]) == [
            "nowhere is not there (check its name, or make it and put scans in it)"
        ]

    def test_a_run_that_finds_the_inbox_held_ends_as_skipped(self, fake_model, prefect_server):
        from flows import definitions

        fake_model.put("a.jpg", "1")
        with lock.only_runner(Path(".digitocr"), None, "reading something"):
            state = definitions.process_folder("inbox", return_state=True)
        assert (state.name, state.is_completed()) == ("Skipped", True)
        assert "reading something" in state.message

    def test_results_that_cannot_be_written_end_in_status_3(self, fake_model, prefect_server):
        fake_model.put("a.jpg", "1")
        Path("results").write_text("a file")
        done = call()
        assert done.exit_code == 3
        assert "results" in done.stderr
        assert "Traceback" not in done.stderr
