import csv

import pytest
from tally import reads_tallies

from digitocr.errors import UsageError
from digitocr.results import publish, queue_file, tables
from digitocr.store.ledger import Ledger
from flows.apply_review import apply_review


class Desk:
    """A person with a spreadsheet."""

    def __init__(self, work):
        self.work = work
        self.path = work.folder / "review" / "queue.csv"

    def rows(self):
        return self.work.table("review/queue.csv")

    def fill(self, *said, encoding="utf-8", separator=",", end="\n", order=1):
        """Write corrections into the rows, given as dicts in the order of the queue."""
        rows = self.rows()
        for row, cells in zip(rows, said, strict=False):
            row.update(cells)
        with self.path.open("w", newline="", encoding=encoding) as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), delimiter=separator, lineterminator=end)
            writer.writeheader()
            writer.writerows(rows[::order])

    def apply(self, who="ann"):
        return apply_review(self.work.settings(), who)

    def numbers(self):
        return {row["number"]: (row["text"], row["status"]) for row in self.work.table("results/numbers.csv")}


@pytest.fixture
def desk(work):
    return Desk(work)


TEXT_QUOTED = ";".join(f'"{name}"' for name in tables.QUEUE)


def digit(text):
    return {"correction": text}


def number(text):
    return {"number_correction": text}


class TestCorrections:
    @pytest.mark.parametrize(
        ("said", "text"),
        [
            (digit("7"), "723"),
            (digit("10"), "1023"),
            (number("45,6"), "456"),
            (digit("-"), "23"),
            (digit("–"), "23"),
            (number("456"), "456"),
            (number("'45'"), "45"),
            (number("45678"), "45678"),
            ({"correction": "9", "number_correction": "456"}, "456"),
            (digit("7.0"), "723"),
            (number("'007"), "007"),
        ],
    )
    def test_what_is_said_is_in_all_tables(self, work, desk, said, text):
        work.put("a.jpg", "5 123?")
        work.run()
        desk.fill(said)
        done = desk.apply()
        assert (len(done.corrections), done.refused) == (1, ())
        assert desk.numbers() == {"1": ("5", "accepted"), "2": (text, "corrected")}
        digits = [row for row in work.table("results/a.jpg.digits.csv") if row["number"] == "2"]
        assert "".join(row["digit"] for row in digits) == text
        assert [row["position"] for row in digits] == [str(i + 1) for i in range(len(text))]
        assert desk.rows() == []
        (row,) = work.table("results/files.csv")
        assert (row["digits"], row["review"]) == (str(1 + len(text)), "0")
        (audit,) = work.table("review/audit.csv")
        assert (audit["who"], audit["new"]) == ("ann", done.corrections[0].new)

    @pytest.mark.parametrize("said", [digit("1"), number("123")])
    def test_what_is_left_as_it_was_read_is_confirmed(self, work, desk, said):
        work.put("a.jpg", "5 123?")
        work.run()
        desk.fill(said)
        desk.apply()
        assert desk.numbers() == {"1": ("5", "accepted"), "2": ("123", "confirmed")}

    @pytest.mark.parametrize("said", [digit("?"), number("?")])
    def test_what_nobody_can_read_leaves_the_queue_and_stays_for_review(self, work, desk, said):
        work.put("a.jpg", "5 123?")
        work.run()
        desk.fill(said)
        assert desk.apply().refused == ()
        assert desk.numbers() == {"1": ("5", "accepted"), "2": ("123", "review")}
        assert desk.rows() == []
        (row,) = work.table("results/files.csv")
        assert row["review"] == "0"

    def test_what_is_no_number_goes_and_the_others_keep_their_ordinals(self, work, desk):
        work.put("a.jpg", "8? 5")
        work.run()
        desk.fill(number("-"))
        desk.apply()
        assert desk.numbers() == {"2": ("5", "accepted")}

    def test_an_empty_file_is_confirmed_or_given_its_number(self, work, desk):
        work.put("a.jpg", "none")
        work.put("b.jpg", "nothing")
        work.run()
        desk.fill(number("-"), number("42"))
        desk.apply()
        assert desk.rows() == []
        assert work.statuses() == {"a.jpg": "empty", "b.jpg": "done"}
        (row,) = work.table("results/b.jpg.numbers.csv")
        assert (row["text"], row["status"]) == ("42", "corrected")

    def test_rows_without_a_word_still_wait(self, work, desk):
        work.put("a.jpg", "1? 2?")
        work.run()
        desk.fill(digit(""), digit("7"))
        desk.apply()
        assert [row["number_text"] for row in desk.rows()] == ["1"]
        assert desk.numbers() == {"1": ("1", "review"), "2": ("7", "corrected")}


class TestAgain:
    def test_saying_it_twice_changes_nothing(self, work, desk):
        work.put("a.jpg", "1?")
        work.run()
        desk.fill(digit("7"))
        filled = desk.path.read_bytes()
        desk.apply()
        desk.path.write_bytes(filled)
        assert desk.apply().corrections == ()
        assert len(work.table("review/audit.csv")) == 1

    def test_a_change_of_mind_is_kept_with_what_was_said_before(self, work, desk):
        work.put("a.jpg", "1?")
        work.run()
        desk.fill(digit("7"))
        filled = desk.path.read_text()
        desk.apply()
        desk.path.write_text(filled.replace(",7,\n", ",9,\n"))
        desk.apply("bob")
        assert desk.numbers() == {"1": ("9", "corrected")}
        assert [(row["who"], row["old"], row["new"]) for row in work.table("review/audit.csv")] == [
            ("ann", "1", "7"),
            ("bob", "7", "9"),
        ]

    def test_corrections_outlive_a_new_reading(self, work, desk):
        other = work.folder / "other"
        work.put("a.jpg", "1? 5?", other)
        work.run(other)
        desk.fill(digit("7"))
        desk.apply()
        assert work.run(other, threshold=0.2).done == 1
        assert desk.numbers() == {"1": ("7", "corrected"), "2": ("5", "review")}
        assert len(desk.rows()) == 1

    def test_what_is_typed_survives_a_run_that_rewrites_the_queue(self, work, desk):
        work.put("a.jpg", "1?")
        work.run()
        desk.fill(digit("7"))
        work.put("b.jpg", "2?")
        work.run()
        assert [(row["file"], row["correction"]) for row in desk.rows()] == [("a.jpg", "7"), ("b.jpg", "")]
        desk.apply()
        assert [row["file"] for row in desk.rows()] == ["b.jpg"]

    def test_what_is_saved_while_the_queue_is_written_is_kept(self, work, desk, monkeypatch):
        """The person saves between the reading of the queue and its replacement."""
        work.put("a.jpg", "1?")
        work.run()
        work.put("b.jpg", "2?")
        real = tables.lines
        saves = iter([digit("7")])

        def lines(columns, rows, **how):
            if columns == tables.QUEUE:
                rows = list(rows)
                for said in saves:
                    desk.fill(said)
            return real(columns, rows, **how)

        monkeypatch.setattr(tables, "lines", lines)
        work.run()
        assert [(row["file"], row["correction"]) for row in desk.rows()] == [("a.jpg", "7"), ("b.jpg", "")]

    def test_a_kill_before_the_tables_are_made_again_is_made_good(self, work, desk, monkeypatch):
        work.put("a.jpg", "1?")
        work.run()
        desk.fill(digit("7"))

        def killed(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(publish, "refresh", killed)
            with pytest.raises(KeyboardInterrupt):
                desk.apply()
        assert desk.numbers() == {"1": ("1", "review")}
        work.run()
        assert desk.numbers() == {"1": ("7", "corrected")}


class TestSpreadsheets:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_their_ways_of_saving_are_understood(self, work, desk, encoding, separator):
        work.put("ü.jpg", "1? 2?")
        work.run()
        desk.fill(digit("7"), digit("8"), encoding=encoding, separator=separator, end="\r\n", order=-1)
        assert desk.apply().refused == ()
        assert desk.numbers() == {"1": ("7", "corrected"), "2": ("8", "corrected")}

    def test_what_cannot_be_understood_is_refused_with_its_row_and_the_rest_goes_on(self, work, desk):
        work.put("a.jpg", "1? 2? 3? 045? 5?")
        work.run()
        desk.fill(
            digit("seven"),
            digit("7"),
            digit("1" * 50),
            number("45"),
            {"review_id": "r123", "correction": "1"},
        )
        done = desk.apply()
        assert len(done.corrections) == 1
        lines = [reason.split(":")[0] for reason in done.refused]
        assert lines == [
            "line 2 (a.jpg, page 1, number 1)",
            "line 4 (a.jpg, page 1, number 3)",
            "line 5 (a.jpg, page 1, number 4)",
            "line 6",
        ]
        assert [row["correction"] for row in desk.rows() if row["correction"]] == ["seven", "1" * 50, "1"]

    def resaved(self, desk, said, separator=","):
        """Save the queue as a spreadsheet does that takes whatever it can for numbers."""

        def as_number(cell):
            try:
                value = float(cell)
            except ValueError:
                return cell
            text = f"{value:.15g}"
            return text.replace(".", ",") if separator == ";" else text

        rows = [{name: as_number(cell) for name, cell in row.items()} | said for row in desk.rows()]
        with desk.path.open("w", newline="", encoding="utf-8-sig") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), delimiter=separator, lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)

    @pytest.mark.parametrize("separator", [",", ";"])
    @pytest.mark.parametrize(
        ("said", "text"),
        [
            ("145", "145"),
            ("1045", "1045"),
            ("45", None),
            ('"45"', "45"),
            ("'45", "45"),
            ("45'", "45"),
            ("-", ""),
        ],
    )
    def test_zeros_that_a_spreadsheet_may_have_taken_are_asked_for(self, work, desk, separator, said, text):
        work.put("a.jpg", "5 123?")
        work.run()
        self.resaved(desk, number(said), separator)
        done = desk.apply()
        if text is None:
            assert (
                "line 2 (a.jpg, page 1, number 2): 45 is shorter than 123, and may lack zeros"
                in done.refused[0]
            )
            assert [row.cells["number_correction"] for row in queue_file.read_queue(desk.path)] == ["45"]
        else:
            assert done.refused == ()
            assert desk.numbers().get("2", ("", ""))[0] == text

    @pytest.mark.parametrize(
        ("header", "row", "encoding"),
        [
            (TEXT_QUOTED, '"{}";"{}";1;;{};1;{};0.5;7;0.3;{};"low-confidence";"crops/{}.png";{};{}', "utf-8"),
            (TEXT_QUOTED, '"{}";"{}";1;;{};1;{};"0.5000";7;"0.3000";{};"low-confidence";"crops/{}.png";{};{}',
             "cp1252"),  # one that writes decimal commas takes 0.5000 for text
            (TEXT_QUOTED.replace(";", "\t"),
             '"{}"\t"{}"\t1\t\t{}\t1\t{}\t0.5\t7\t0.3\t{}\t"low-confidence"\t"crops/{}.png"\t{}\t{}', "utf-16"),
            (";".join(tables.QUEUE), '{};"{}";1;;{};1;{};0.5;7;0.3;{};low-confidence;crops/{}.png;{};{}',
             "utf-8-sig"),
        ],
    )  # fmt: skip
    def test_what_libreoffice_writes_is_understood(self, work, desk, header, row, encoding):
        """Typed were 0045, 4 as the digit, 723 and 07; numbers with zeros before them have lost these."""
        work.put("b;1.jpg", "0042? 9? 123? 45?")
        work.run()
        typed = [("", "45"), ("4", ""), ("", "723"), ("", "7")]
        lines = [
            row.format(r["review_id"], r["file"], r["number"], r["digit"], int(r["number_text"]),
                       r["review_id"], *said)
            for r, said in zip(desk.rows(), typed, strict=True)
        ]  # fmt: skip
        desk.path.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
        done = desk.apply()
        assert [line.split(" and")[0] for line in done.refused] == [
            "line 2 (b;1.jpg, page 1, number 1): 45 is shorter than 0042,",
            "line 5 (b;1.jpg, page 1, number 4): 7 is shorter than 45,",
        ]
        texts = {number: text for number, (text, _) in desk.numbers().items()}
        assert texts == {"1": "0042", "2": "4", "3": "723", "4": "45"}
        assert [row["number_correction"] for row in desk.rows()] == ["45", "7"]

    def test_cells_that_have_moved_are_not_understood_as_others(self, work, desk):
        """As saved without any quotes around text: the 4 was meant for the digit, and stands under the number."""
        work.put("b;1.jpg", "123?")
        work.run()
        (row,) = desk.rows()
        saved = ";".join(tables.QUEUE) + "\n" + ";".join((row | digit("4")).values()) + "\n"
        desk.path.write_text(saved)
        with pytest.raises(UsageError, match="line 2 has more cells than there are columns"):
            desk.apply()
        work.put("c.jpg", "1?")
        work.run()
        assert [row["correction"] for row in desk.rows()] == ["", ""]
        kept = [name for name in work.names("review") if "unreadable" in name]
        assert (work.folder / "review" / kept[0]).read_text() == saved

    def test_two_rows_may_not_say_different_things_of_one_number(self, work, desk):
        work.put("a.jpg", "1?")
        work.run()
        desk.fill(number("77"))
        desk.path.write_text(
            desk.path.read_text() + desk.path.read_text().splitlines()[1].replace("77", "78") + "\n"
        )
        done = desk.apply()
        assert len(done.corrections) == 1
        assert "another line says '77'" in done.refused[0]

    def test_a_queue_that_has_lost_its_header(self, work, desk):
        work.put("a.jpg", "1?")
        work.run()
        desk.path.write_text("a;b;c\n1;2;3\n")
        with pytest.raises(UsageError, match="review_id"):
            desk.apply()
        work.put("b.jpg", "1? 1")
        work.run()
        kept = [name for name in work.names("review") if "unreadable" in name]
        assert (work.folder / "review" / kept[0]).read_text() == "a;b;c\n1;2;3\n"
        assert len(desk.rows()) == 2

    def test_no_queue_is_an_empty_one(self, tmp_path):
        assert list(queue_file.read_queue(tmp_path / "queue.csv")) == []


def test_nothing_to_correct_before_anything_was_read(work, desk):
    with pytest.raises(UsageError, match="nothing was read"):
        desk.apply()


def test_two_results_folders_share_a_queue(work, desk):
    other = work.folder / "other"
    work.put("a.jpg", "1?", other)
    work.run(other)
    work.put("b.jpg", "2?", other)
    (other / "a.jpg").unlink()
    work.run(other, results="second")
    assert sorted(row["file"] for row in desk.rows()) == ["a.jpg", "b.jpg"]
    desk.fill(digit("7"), digit("7"))
    assert desk.apply().refused == ()
    apply_review(work.settings(results="second"), "ann")
    assert desk.rows() == []
    with Ledger(work.folder / ".digitocr" / "ledger.sqlite") as ledger:
        assert len(ledger.corrections.all(1)) == len(ledger.corrections.all(2)) == 1


@pytest.mark.parametrize(
    ("said", "paid"),
    [("450.5", "450.50"), ("450,00", "450.00"), ("450.0", "450.00"), ("12346", "123.46"), ("450", "")],
)
def test_an_amount_says_its_decimals_or_is_as_long_as_what_was_read(work, desk, said, paid):
    flags = reads_tallies(work)
    work.put("a.jpg", "1 4 5 010226 12345?")
    work.run(**flags)
    desk.fill(number(said))
    done = desk.apply()
    (row,) = work.table("results/forms/tally.csv")
    if paid:
        assert (row["paid"], done.refused) == (paid, ())
    else:
        assert "450 would be 4.50; write its decimals, as 450.00" in done.refused[0]
