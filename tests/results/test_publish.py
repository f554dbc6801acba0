import random
from functools import partial

import pytest

from digitocr.records import Box, Number, PageResult
from digitocr.results import forms, publish, tables
from digitocr.results.publish import Shelf
from digitocr.store.ledger import Claim, Ledger, Outcome
from digitocr.store.records import Correction, QueueItem


class Job:
    """A results folder and its ledger, into which files are put without reading any."""

    def __init__(self, folder, ledger, results="results"):
        self.ledger = ledger
        self.folder = folder / results
        self.shelf = Shelf(ledger.job(self.folder), self.folder, folder / "review", folder / "state")
        self.ids = {}

    def claim(self, *files):
        claims = [Claim(self.ids.get(file), file, file, f"{file:0>64}", 1, 1, 1) for file in files]
        ids = self.ledger.claims.take(self.shelf.job, claims, "me")
        self.ids |= dict(zip(files, ids, strict=True))

    def settle(self, *files, text="1", status="done", field="a"):
        self.claim(*files)
        outcomes = []
        for file in files:
            page = PageResult(
                1, (9, 9), (Number((), 0.9, Box(1, 1, 1, 1), text, field=field),), template="sheet"
            )
            outcome = Outcome(
                status,
                number_lines=tables.encode(tables.NUMBERS, [(file, *[text] * 13)], header=False),
                form_rows=forms.dumps([forms.row(file, page, None)]) if field else "",
                items=(QueueItem(f"r-{file}", file, 1, number=1, number_text=text),),
            )
            outcomes.append((self.ids[file], outcome))
        self.ledger.finish(self.shelf.job, outcomes)

    def publish(self, before=None):
        publish.publish(self.shelf, self.ledger, before=before)

    def correct(self, file):
        said = Correction(self.ids[file], "r", "number", "1", "2", "ann", "2026-01-01T00:00:00Z")
        self.ledger.corrections.add(self.shelf.job, [said])

    def table(self, name):
        return (self.folder / name).read_text()

    def files(self, name="numbers.csv"):
        return [line.partition(",")[0] for line in self.table(name).splitlines()[1:]]

    @property
    def queue(self):
        return self.shelf.review / "queue.csv"

    def waiting(self):
        return [line.partition(",")[0].removeprefix("r-") for line in self.queue.read_text().splitlines()[1:]]

    def expected(self):
        """The tables as the ledger has them, made in one go."""
        published, job = self.ledger.published, self.shelf.job
        lines = "".join(published.number_lines(job))
        rows = list(forms.stored(self.ledger, job))
        return {
            "numbers.csv": tables.encode(tables.NUMBERS, ()) + lines,
            "files.csv": tables.encode(tables.FILES, publish.file_rows(self.ledger.known(job))),
        } | ({"forms/sheet.csv": forms.as_csv(rows)} if rows else {})

    def shows_all(self):
        waiting = [item.file for item in self.ledger.items.waiting(self.shelf.job)]
        return self.waiting() == waiting and all(
            self.table(name) == text for name, text in self.expected().items()
        )


@pytest.fixture
def job(tmp_path):
    (tmp_path / "state" / "templates").mkdir(parents=True)
    (tmp_path / "state" / "templates" / "sheet.yaml").touch()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield Job(tmp_path, ledger)


@pytest.fixture
def made_anew(job, monkeypatch):
    """The tables that are made from the whole ledger from now on."""
    made = []

    def noted(name, real, *args, **kwargs):
        made.append(name)
        return real(*args, **kwargs)

    for module, names in ((tables, ("write_all_numbers", "write_files", "write_queue")), (forms, ("write",))):
        for name in names:
            monkeypatch.setattr(module, name, partial(noted, name, getattr(module, name)))
    return made


def test_rows_of_later_files_are_added(job, made_anew):
    job.settle("a", "b")
    job.publish()
    made_anew.clear()
    job.settle("c", text="3")
    job.settle("d", status="failed", field="")
    job.publish()
    assert made_anew == []
    assert job.files("files.csv") == job.waiting() == ["a", "b", "c", "d"]
    assert job.shows_all()


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job.settle("aa"),
        lambda job: job.settle("b", text="7"),
        lambda job: job.correct("a"),
        lambda job: job.ledger.forget(job.ids["b"]),
        lambda job: job.ledger.reopen(job.ids["b"]),
        lambda job: (job.folder / "numbers.csv").unlink(),
        lambda job: (job.folder / "files.csv").write_text("typed over"),
        lambda job: (job.folder / "forms" / "sheet.csv").write_text("typed over"),
        lambda job: job.ledger.published.begin(job.shelf.job),
    ],
    ids=[
        "earlier",
        "read again",
        "corrected",
        "forgotten",
        "reopened",
        "gone",
        "edited",
        "form edited",
        "cut short",
    ],
)
def test_where_rows_change_or_someone_changed_a_table_all_are_made_anew(job, made_anew, change):
    job.settle("a", "b")
    job.publish()
    made_anew.clear()
    change(job)
    job.settle("c")
    job.publish()
    assert made_anew == ["write_all_numbers", "write_files", "write", "write_queue"]
    assert job.shows_all()


def test_a_form_with_other_columns_is_made_anew(job, made_anew):
    job.settle("a")
    job.publish()
    made_anew.clear()
    job.settle("b", field="other")
    job.publish()
    assert made_anew == ["write"]
    assert job.shows_all()


def test_a_queue_that_somebody_fills_in_is_made_anew_until_nothing_of_it_is_left(job, made_anew):
    job.settle("a")
    job.publish()
    filled = job.queue.read_text().replace(",\n", ",77\n")
    job.queue.write_text(filled.replace(",correction,77", ",correction,number_correction").replace(",", ";"))
    for later in ("b", "c"):
        made_anew.clear()
        job.settle(later)
        job.publish()
        assert made_anew == ["write_queue"], "the other tables are as they were"
    assert job.waiting() == ["a", "b", "c"]
    assert job.queue.read_text().count(",77\n") == 1
    job.queue.write_text(job.queue.read_text().replace(",77\n", ",\n"))
    made_anew.clear()
    for later in ("d", "e"):
        job.settle(later)
        job.publish()
    assert made_anew == ["write_queue"], "once, after it was saved"
    assert job.waiting() == ["a", "b", "c", "d", "e"]


def test_a_queue_that_two_results_folders_share_is_made_anew(job, made_anew, tmp_path):
    job.settle("a")
    job.publish()
    other = Job(tmp_path, job.ledger, "others")
    other.settle("z")
    other.publish()
    made_anew.clear()
    job.settle("b")
    job.publish()
    assert made_anew == ["write_queue"]
    assert job.waiting() == ["a", "b", "z"]


def test_what_is_being_read_holds_back_rows_that_come_after_it(job, made_anew):
    job.claim("b")
    job.settle("a", "c")
    job.publish(before="b")
    assert job.files() == job.waiting() == ["a"]
    assert not job.ledger.published.is_current(job.shelf.job)
    made_anew.clear()
    job.settle("b")
    job.publish(before="d")
    assert job.files() == job.waiting() == ["a", "b", "c"]
    job.publish()
    assert made_anew == []
    assert job.ledger.published.is_current(job.shelf.job)
    assert job.shows_all()


def test_no_row_is_taken_away_because_an_earlier_file_is_being_read(job):
    job.settle("c")
    job.publish()
    job.settle("d")
    job.publish(before="b")
    assert job.files() == ["c", "d"]


def test_a_kill_before_the_ledger_knows_of_the_tables_adds_no_row_twice(job, monkeypatch):
    job.settle("a")
    job.publish()
    job.settle("b")
    with monkeypatch.context() as killed:
        killed.setattr(type(job.ledger.published), "end", lambda *args: None)
        job.publish()
    job.settle("c")
    job.publish()
    assert job.files() == ["a", "b", "c"]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_tables_are_as_if_made_in_one_go(job, seed):
    chance = random.Random(seed)
    names = [f"{i:02}" for i in range(40)]
    for _ in range(25):
        match chance.randrange(6):
            case 0 | 1:
                job.settle(*chance.sample(names, 3), text=str(chance.randrange(99)))
            case 2:
                later = max(job.ids, default="00")
                job.settle(f"{later}+", field=chance.choice(["a", "a", "b"]))
            case 3 if job.ids:
                job.correct(chance.choice(list(job.ids)))
            case 4:
                job.publish(before=chance.choice([None, *names]))
            case 5:
                job.publish()
                assert job.shows_all()
    job.publish()
    assert job.shows_all()
