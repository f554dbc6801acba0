import pytest

from benchmarks import scaling


@pytest.mark.parametrize("option", ["--rounds", "--workers", "--crops", "--pages", "--ceiling"])
def test_nothing_is_measured_no_times(option, capsys):
    with pytest.raises(SystemExit):
        scaling.main([option, "0"])
    assert f"argument {option}: '0' is no number of at least 1" in capsys.readouterr().err


@pytest.mark.soak
def test_workers_that_read_nothing_have_their_files_recorded(tmp_path):
    done = scaling.ceiling(tmp_path, 20, 2)
    assert (done.workers, done.files) == (2, 20)
    assert done.runner_mb > 0
    lines = (tmp_path / "ceiling-20" / "results" / "numbers.csv").read_text().splitlines()
    assert len(lines) == 1 + 20
