import os
from pathlib import Path

import pytest

from digitocr.errors import UsageError
from digitocr.settings import Settings, cores, explain_settings, load_settings, memory


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class TestSettings:
    def test_defaults_are_those_of_the_contract(self):
        s = load_settings()
        assert [str(p) for p in (s.inbox, s.results, s.review, s.state)] == [
            "inbox",
            "results",
            "review",
            ".digitocr",
        ]
        assert s.threshold is None
        assert s.prefect is None

    def test_paths_and_limits_follow_from_them(self):
        s = load_settings({"state": "s", "max_pages": 3})
        assert s.ledger == Path("s/ledger.sqlite")
        assert s.state in s.own_folders
        assert s.inbox not in s.own_folders
        assert s.limits.pages == 3

    def test_they_are_frozen(self):
        with pytest.raises(ValueError, match="frozen"):
            load_settings().workers = 2


class TestLoadSettings:
    def test_flags_outweigh_variables_and_these_the_file(self, monkeypatch):
        Path("digitocr.toml").write_text('threshold = 0.1\nworkers = 3\nresults = "from-file"\n')
        monkeypatch.setenv("DIGITOCR_THRESHOLD", "0.2")
        monkeypatch.setenv("DIGITOCR_WORKERS", "2")
        s = load_settings({"threshold": 0.3, "results": None})
        assert (s.threshold, s.workers, s.results) == (0.3, 2, Path("from-file"))

    def test_a_named_file_replaces_the_default_one(self, tmp_path):
        Path("digitocr.toml").write_text("workers = 3\n")
        other = tmp_path / "other.toml"
        other.write_text("workers = 5\n")
        assert load_settings(config=other).workers == 5

    def test_workers_may_have_their_old_name_wherever_they_are_set(self, monkeypatch):
        Path("digitocr.toml").write_text("jobs = 3\n")
        assert load_settings().workers == 3
        monkeypatch.setenv("DIGITOCR_JOBS", "4")
        assert load_settings().workers == 4
        assert load_settings({"jobs": 5}).workers == 5

    def test_the_new_name_outweighs_the_old_one_of_the_same_source(self, monkeypatch):
        Path("digitocr.toml").write_text("workers = 2\njobs = 3\n")
        assert load_settings().workers == 2
        monkeypatch.setenv("DIGITOCR_JOBS", "4")
        monkeypatch.setenv("DIGITOCR_WORKERS", "6")
        assert load_settings().workers == 6

    def test_workers_are_a_number_or_the_address_of_a_scheduler(self):
        assert load_settings({"workers": "3"}).workers == 3
        assert load_settings({"workers": "tls://farm.example:8786"}).workers == "tls://farm.example:8786"

    @pytest.mark.parametrize(
        "workers", ["0", "2000", "many", "tcp://farm.example", "http://farm.example:8786"]
    )
    def test_other_workers_are_refused_in_one_sentence(self, workers):
        with pytest.raises(UsageError) as caught:
            load_settings({"workers": workers})
        assert caught.value.message.count("should be a number up to 1024, or tcp://HOST:PORT") == 1

    def test_dot_env_is_not_read(self):
        Path(".env").write_text("DIGITOCR_WORKERS=7\n")
        assert load_settings({"workers": None}).workers != 7

    @pytest.mark.parametrize("name", ["DIGITOCR_DATA", "DIGITOCR_HOME", "DIGITOCR_INBOX_DIR"])
    def test_variables_that_are_like_no_setting_are_ignored(self, monkeypatch, name):
        monkeypatch.setenv(name, "/somewhere")
        assert load_settings()

    @pytest.mark.parametrize(
        ("name", "meant"),
        [("DIGITOCR_THRESOLD", "DIGITOCR_THRESHOLD"), ("DIGITOCR_TEMPLATE", "DIGITOCR_TEMPLATES")],
    )
    def test_a_misspelt_variable_is_refused(self, monkeypatch, name, meant):
        monkeypatch.setenv(name, "0.99")
        with pytest.raises(UsageError, match=f"no variable {name}; did you mean '{meant}'"):
            load_settings()

    @pytest.mark.parametrize(
        ("flags", "toml", "named"),
        [
            ({"threshold": 1.5}, "", "threshold = 1.5 from the command line"),
            ({"workers": 0}, "", "workers = 0"),
            ({}, "workers = 'many'", "workers = 'many' from digitocr.toml"),
            ({}, "thresold = 0.5", "digitocr.toml: there is no setting 'thresold'; did you mean 'threshold'"),
            ({}, "zzz = 1", "no setting 'zzz' .`digitocr settings`"),
            ({}, "workers = = 1", "digitocr.toml"),
        ],
    )
    def test_a_value_that_cannot_be_used_is_named_with_its_source(self, flags, toml, named):
        Path("digitocr.toml").write_text(toml)
        with pytest.raises(UsageError, match=named) as caught:
            load_settings(flags)
        assert caught.value.exit_status == 2

    def test_a_variable_that_cannot_be_used_is_named(self, monkeypatch):
        monkeypatch.setenv("DIGITOCR_THRESHOLD", "high")
        with pytest.raises(UsageError, match="threshold = 'high' from DIGITOCR_THRESHOLD"):
            load_settings()

    def test_a_named_file_must_exist(self):
        with pytest.raises(UsageError, match=r"gone\.toml"):
            load_settings(config=Path("gone.toml"))


class TestCores:
    @pytest.fixture
    def groups(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
        (tmp_path / "own").write_text("4:cpu:/old\n0::/unit/part\n")
        (tmp_path / "unit" / "part").mkdir(parents=True)
        return tmp_path

    def cores(self, groups):
        return cores(groups, groups / "own")

    def test_without_a_limit_it_is_what_the_process_may_run_on(self, groups):
        (groups / "unit" / "part" / "cpu.max").write_text("max 100000\n")
        assert self.cores(groups) == 8

    def test_the_limit_of_an_outer_group_counts(self, groups):
        (groups / "unit" / "part" / "cpu.max").write_text("400000 100000\n")
        (groups / "unit" / "cpu.max").write_text("250000 100000\n")
        assert self.cores(groups) == 3

    def test_that_of_a_container_stands_at_the_top(self, groups):
        (groups / "own").write_text("0::/\n")
        (groups / "cpu.max").write_text("20000 100000\n")
        assert self.cores(groups) == 1

    def test_where_there_are_no_groups(self, groups):
        assert cores(groups, groups / "nowhere") == 8


class TestMemory:
    @pytest.fixture
    def groups(self, tmp_path, monkeypatch):
        pages = {"SC_PHYS_PAGES": 2000, "SC_PAGE_SIZE": 4096}
        monkeypatch.setattr(os, "sysconf", pages.__getitem__, raising=False)
        (tmp_path / "own").write_text("4:memory:/old\n0::/unit/part\n")
        for folder in ("unit/part", "memory/old"):
            (tmp_path / folder).mkdir(parents=True)
        return tmp_path

    def memory(self, groups):
        return memory(groups, groups / "own")

    def test_without_a_limit_it_is_what_the_machine_has(self, groups):
        (groups / "unit" / "part" / "memory.max").write_text("max\n")
        assert self.memory(groups) == 2000 * 4096

    def test_the_limit_of_an_outer_group_counts(self, groups):
        (groups / "unit" / "part" / "memory.max").write_text("7000000\n")
        (groups / "unit" / "memory.max").write_text("6000000\n")
        assert self.memory(groups) == 6_000_000

    def test_groups_of_the_first_version_have_another_name_for_it(self, groups):
        (groups / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
        (groups / "memory" / "old" / "memory.limit_in_bytes").write_text("5000000\n")
        assert self.memory(groups) == 5_000_000

    def test_most_of_it_may_be_used(self, groups):
        assert Settings().max_memory < memory()


class TestExplainSettings:
    def test_each_setting_has_its_value_and_origin(self, monkeypatch):
        Path("digitocr.toml").write_text("workers = 3\nthreshold = 0.1\n")
        monkeypatch.setenv("DIGITOCR_THRESHOLD", "0.2")
        found = {s.name: (s.value, s.origin) for s in explain_settings()}
        assert found["workers"] == (3, "digitocr.toml")
        assert found["threshold"] == (0.2, "DIGITOCR_THRESHOLD")
        assert found["chunk"] == (16, "default")
        assert list(found) == list(Settings.model_fields)

    @pytest.mark.parametrize("name", ["DIGITOCR_WORKERS", "DIGITOCR_JOBS", "digitocr_workers"])
    def test_a_variable_is_the_origin_however_it_is_written(self, monkeypatch, name):
        monkeypatch.setenv(name, "3")
        found = {s.name: (s.value, s.origin) for s in explain_settings()}
        assert found["workers"] == (3, name.upper())

    def test_every_setting_says_what_it_means(self):
        assert [s.name for s in explain_settings() if not s.meaning] == []
