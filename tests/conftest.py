import os

import pytest

# Before anything imports Prefect: neither the user's API nor his settings may reach the tests.
for name in [name for name in os.environ if name.startswith(("PREFECT_", "DIGITOCR_"))]:
    if name != "DIGITOCR_DATA":
        del os.environ[name]

pytest_plugins = ["training_fixtures"]


@pytest.fixture
def work(tmp_path, monkeypatch):
    # imported here: what is imported above comes before the environment is clean
    from workplace import Workplace

    monkeypatch.chdir(tmp_path)
    return Workplace(tmp_path)
