"""A hundredth of the simulation: memory of the runner stays flat, and no file is missing from the joined tables."""

import pytest

from benchmarks.simulation import simulate

FILES = 10_000


@pytest.mark.timeout(1800)
def test_two_runners_record_all_files_and_need_no_more_memory_for_more(tmp_path):
    figures = simulate(tmp_path, FILES, shards=2)  # it counts the files in the joined tables
    first, last = figures.marks[1], figures.marks[-1]
    assert last.runner_mb < 1.1 * first.runner_mb
    assert last.ledger_mb / last.files < 1.5 * first.ledger_mb / first.files
