from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from digitocr import pipeline
from digitocr.inbox import lock
from flows import deploy, engine, served

ROOT = Path(__file__).parent.parent.parent


def test_without_a_server_it_ends_in_status_2_and_says_both_ways(work, monkeypatch):
    monkeypatch.setattr(engine, "api_is_named", lambda: False)
    done = CliRunner().invoke(deploy.app, [])
    assert done.exit_code == 2
    assert "prefect server start" in done.stderr
    assert "prefect cloud login" in done.stderr


@pytest.mark.flow
def test_a_server_that_cannot_be_reached_takes_a_line_and_status_3(work, prefect_server, monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setenv(served.VARIABLE, "")  # put back at the end
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        done = CliRunner().invoke(deploy.app, [])
    assert done.exit_code == 3, done.output
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.output


def deployments():
    return yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def test_the_file_for_workers_names_all_flows_one_run_at_a_time():
    assert {d["name"] for d in deployments()} == {"inbox", "reviews", "housekeeping", "training"}
    for one in deployments():
        assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
        assert one["schedules"]
        assert one["tags"] == ["digitocr"]  # by which an automation knows them


@pytest.mark.flow
def test_entrypoints_lead_to_flows(prefect_server, monkeypatch):
    from prefect import Flow
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(ROOT)
    for one in deployments():
        assert isinstance(load_flow_from_entrypoint(one["entrypoint"]), Flow)


@pytest.mark.flow
def test_a_run_that_finds_nothing_ready_never_asks_for_the_model(work, prefect_server, monkeypatch):
    from flows import definitions

    monkeypatch.setattr(pipeline, "loading", lambda *_: pytest.fail("the model was loaded"))
    assert definitions.process_folder()["files"] == 0
    work.put("half.jpg.part", "1")
    assert definitions.process_folder()["files"] == 0


@pytest.mark.flow
def test_reviews_of_a_project_without_a_file_do_not_fail(work, prefect_server):
    from flows import definitions

    state = definitions.apply_review(return_state=True)
    assert (state.name, state.message) == ("Completed", "nothing was read yet")


@pytest.mark.flow
def test_housekeeping_as_a_flow_and_not_while_the_inbox_is_held(work, prefect_server):
    from flows import definitions

    work.put("a.jpg", "1")
    work.run()
    assert definitions.housekeeping() == {
        "originals": 0, "crops": 0, "readings": 0, "leftovers": 0, "troubles": [],
    }  # fmt: skip
    with lock.only_runner(Path(".digitocr"), None, "reading"):
        state = definitions.housekeeping(return_state=True)
    assert (state.name, state.is_completed()) == ("Skipped", True)
