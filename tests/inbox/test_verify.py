import pytest
from maintenance import call, disagreements


class TestVerify:
    @pytest.fixture
    def full(self, work):
        work.put("sub/a.jpg", "1? 23")
        work.put("b.jpg", "2")
        work.put("twin.jpg", "2")
        work.put("bad.jpg", "BAD")
        work.run()
        return work

    def test_what_agrees(self, full):
        assert disagreements(full) == []
        assert call("ledger", "verify").exit_code == 0

    @pytest.mark.parametrize(
        ("gone", "said"),
        [
            ("results/sub/a.jpg.numbers.csv", "sub/a.jpg: a.jpg.numbers.csv is missing"),
            ("results/sub/a.jpg.digits.csv", "sub/a.jpg: a.jpg.digits.csv is missing"),
            ("results/files.csv", "files.csv: is missing"),
            ("results/numbers.csv", "numbers.csv: is missing"),
            ("archive/sub/a.jpg", "sub/a.jpg: the original is nowhere"),
            ("failed/bad.jpg", "bad.jpg: the original is nowhere"),
            ("failed/bad.jpg.error.json", "bad.jpg: has no reason"),
            ("review/queue.csv", "queue.csv: r"),
        ],
    )
    def test_what_is_gone(self, full, gone, said):
        (full.folder / gone).unlink()
        assert any(said in line for line in disagreements(full)), disagreements(full)
        assert call("ledger", "verify").exit_code == 1

    def test_what_was_changed(self, full):
        table = full.folder / "results" / "sub" / "a.jpg.numbers.csv"
        table.write_text(table.read_text().replace("23", "24"))
        (full.folder / "archive" / "b.jpg").write_text("other")
        said = disagreements(full)
        assert any("a.jpg.numbers.csv" in line for line in said)
        assert any("archive/b.jpg: never read" in line for line in said)

    def test_what_is_strange(self, full):
        full.put("x.jpg.digits.csv", "", full.folder / "results")
        full.put(".0.1.partial", "", full.folder / "results")
        full.put("new.jpg", "never seen", full.folder / "archive")
        said = " ".join(disagreements(full))
        assert all(
            word in said for word in ("x.jpg.digits.csv", ".partial: left behind", "new.jpg: never read")
        )

    def test_a_folder_that_is_left_as_it_is_has_its_originals_there(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.run(other)
        assert disagreements(work) == []
