import json

import pytest
from typer.testing import CliRunner

from flows import apply_review


def call(*args):
    return CliRunner().invoke(apply_review.app, list(args))


def fill(work, text):
    path = work.folder / "review" / "queue.csv"
    path.write_text(path.read_text().replace(".png,,\n", f".png,{text},\n"))


def test_corrections_are_taken_over(work):
    work.put("a.jpg", "1?")
    work.run()
    fill(work, "7")
    done = call("--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"applied": 1, "settled": 1, "refused": 0})
    assert work.table("results/numbers.csv")[0]["text"] == "7"


def test_a_row_refused_is_named_and_ends_in_status_1(work):
    work.put("a.jpg", "1?")
    work.run()
    fill(work, "x")
    done = call()
    assert done.exit_code == 1
    assert "line 2" in done.stderr


def test_before_anything_was_read_it_is_a_mistake(work):
    assert call().exit_code == 2


@pytest.mark.flow
def test_as_a_flow(work, prefect_server):
    from flows import definitions

    work.put("a.jpg", "1? 2?")
    work.run()
    path = work.folder / "review" / "queue.csv"
    first, second = path.read_text().splitlines()[1:]
    path.write_text(path.read_text().replace(first, f"{first[:-1]}7,").replace(second, f"{second[:-1]}x,"))
    assert definitions.apply_review() == {"applied": 1, "refused": 1}
