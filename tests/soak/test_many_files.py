import pytest

from benchmarks import inbox


@pytest.mark.timeout(600)
def test_two_thousand_files_from_four_writers_are_all_read_once(tmp_path):
    figures = inbox.measure(tmp_path / "work", 2000)
    print(figures)
    assert figures.wrong == ()
    assert figures.read_twice == 0
    assert figures.memory[-1] - figures.memory[2] < 10, "memory grows with the number of files"
    early, late = sorted(figures.pace[1:5])[2], sorted(figures.pace[5:])[2]
    assert late < 3 * early + 10, "a file costs more the more there are"
    assert figures.rescan <= 1
