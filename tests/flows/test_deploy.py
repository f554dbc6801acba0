from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows import deploy, engine

ROOT = Path(__file__).parent.parent.parent


def test_without_a_server_it_ends_in_status_2_and_says_both_ways(work, monkeypatch):
    monkeypatch.setattr(engine, "api_is_named", lambda: False)
    done = CliRunner().invoke(deploy.app, [])
    assert done.exit_code == 2
    assert "prefect server start" in done.stderr
    assert "prefect cloud login" in done.stderr


def deployments():
    return yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def test_the_file_for_workers_names_all_flows_one_run_at_a_time():
    assert {d["name"] for d in deployments()} == {"inbox", "reviews", "housekeeping"}
    for one in deployments():
        assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
        assert one["schedules"]


@pytest.mark.flow
def test_entrypoints_lead_to_flows(prefect_server, monkeypatch):
    from prefect import Flow
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(ROOT)
    for one in deployments():
        assert isinstance(load_flow_from_entrypoint(one["entrypoint"]), Flow)
