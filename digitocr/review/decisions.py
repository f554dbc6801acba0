"""What people decide, and how it is undone.

A decision is kept with what was shown, and takes effect through corrections, which are all that the tables know of.
To undo one, the words before it are said again. Nothing is ever deleted or overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from digitocr.errors import DigitocrError, UsageError
from digitocr.forms.checks import as_stored
from digitocr.results.overlay import ILLEGIBLE, NOT_A_DIGIT, is_same
from digitocr.review.assignments import Assignments
from digitocr.review.numbers import Change, corrections_of, digits_said, number_said, taken_back
from digitocr.review.rules import Look, Rules, is_answer
from digitocr.review.tasks import NumberState, Task, Tasks, task_of
from digitocr.store import review as store
from digitocr.store.ledger import Ledger
from digitocr.store.records import Correction, now
from digitocr.store.review import FurtherLooks, Place


class ConflictError(DigitocrError):
    """Someone else was faster, or the file was read again in between."""

    code = "conflict"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said: the whole text, or digits by their position in what was read."""

    text: str = ""
    digits: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """An answer on its way into the ledger.

    Attributes
    ----------
    place : Place
    look : Look
    answer : Answer
    token : str
        Made by the page; the same token twice is the same decision.
    last_word, read_at
        As they were shown.
    session, who : str
        The page and the person.
    """

    place: Place
    look: Look
    answer: Answer
    token: str
    last_word: int
    read_at: str
    session: str
    who: str


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a decision means for further looks: the settled answer, if any, and the next look with what it shows."""

    answer: str | None = None
    asks: Look | None = None
    texts: tuple[str, ...] = ()


class Decisions:
    """Takes answers over, and takes them back.

    Parameters
    ----------
    ledger : Ledger
    job : int
    rules : Rules
    tasks : Tasks
    assignments : Assignments
    """

    def __init__(
        self, ledger: Ledger, job: int, rules: Rules, tasks: Tasks, assignments: Assignments
    ) -> None:
        self._ledger = ledger
        self._job = job
        self._rules = rules
        self._tasks = tasks
        self._assignments = assignments
        self._decisions = store.Decisions(ledger.database, job)
        self._looks = FurtherLooks(ledger.database, job)

    def status(self) -> dict[str, int]:
        """Return how many numbers wait, and the newest decision that is counted in."""
        waiting, newest = self._decisions.status()
        return {"waiting": waiting, "newest": newest}

    def decide(self, submissions: Sequence[Submission]) -> dict[Place, str]:
        """Take answers over, in one transaction; those taken before are passed over.

        Returns
        -------
        dict
            What could not be taken over, and why: someone else was faster, the file was read again in between, or
            the answer cannot be of that number.
        """
        refused: dict[Place, str] = {}
        with self._ledger.database.writing():
            for one in submissions:
                try:
                    self._decide(one)
                except (ConflictError, UsageError) as error:  # raised before anything is written
                    refused[one.place] = error.message
        return refused

    def undo(self, token: str, undoing: str, session: str, who: str) -> tuple[list[Task], list[str]]:
        """Take a decision back, and lease its numbers to the page that does so.

        Parameters
        ----------
        token : str
            Of the decision.
        undoing : str
            Token of the undoing.
        session, who : str

        Returns
        -------
        tasks : list of Task
            What is to be decided again.
        refused : list of str
            Why some of it stays: it has been built upon, or was not this person's.
        """
        tasks: list[Task] = []
        refused: list[str] = []
        with self._ledger.database.writing():
            decisions = self._decisions.of_token(token)
            for decision in decisions:
                try:
                    self._undo(decision, undoing, who)
                except ConflictError as error:  # raised before anything is written
                    refused.append(error.message)
                    continue
                task = self._reopened(decision.place, Look(decision.look))
                if task and self._assignments.take(decision.place, session, who):
                    tasks.append(task)
        return tasks, refused or ([] if decisions else ["that decision is not known here"])

    # inside a transaction

    def _decide(self, one: Submission) -> None:
        if self._decisions.is_known(one.token, one.place):
            return  # sent again, since the page did not hear that it had arrived
        state = self._tasks.state(one.place)
        if state is None or state.known.processed_at != one.read_at:
            raise ConflictError("the file was read again in the meantime; look once more")
        if state.last_word != one.last_word:
            author = self._ledger.corrections.author(state.last_word)
            raise ConflictError(f"settled in the meantime by {author}; that was kept")
        task = self._open_task(one, state)
        field, said = state.number.field, one.answer
        one = replace(one, answer=replace(said, text=as_stored(field, said.text) if field else said.text))
        _check(task, one.answer)
        at = now()
        changes, verdict = _effect(task, one.answer)
        decision = self._decisions.add(
            store.Decision(
                token=one.token,
                place=one.place,
                read_at=one.read_at,
                look=one.look,
                answer=json.dumps(asdict(one.answer)),
                shown=json.dumps(task.shown()),
                effect=_effect_text(changes),
                who=one.who,
                at=at,
            )
        )
        self._correct(one.place, corrections_of(changes, state.number, one.place, one.who, at))
        self._ask_further(task, one, decision, verdict)
        self._assignments.end(one.place)

    def _open_task(self, one: Submission, state: NumberState) -> Task:
        """Return what is decided on.

        Raises
        ------
        ConflictError
            It is no longer open, or not for this person.
        """
        read_at = state.known.processed_at
        if one.look in (Look.FIRST, Look.WALL):
            in_dispute = self._looks.find_open(one.place, Look.THIRD, read_at)
            if not state.number.waits or in_dispute:
                raise ConflictError("settled in the meantime; that was kept")
            return task_of(state, one.look)
        further = self._looks.find_open(one.place, one.look, read_at)
        if further is None:
            raise ConflictError("someone else has looked at it in the meantime; that was kept")
        if further.not_who == one.who:
            raise ConflictError("the second look must be another person's")
        return task_of(state, one.look, further)

    def _correct(self, place: Place, corrections: Sequence[Correction]) -> None:
        if not corrections:
            return
        self._ledger.corrections.add(self._job, corrections)
        state = self._tasks.state(place)
        if state is None:
            return
        # the rows of the queue follow with the tables; that nobody gets it again cannot wait for them
        on_form = state.number.form is not None
        for review_id, waits in self._tasks.page_items(place) if on_form else state.number.waiting_items():
            self._ledger.items.set_waiting(self._job, review_id, waits=waits)

    def _ask_further(self, task: Task, one: Submission, decision: int, verdict: _Verdict) -> None:
        """Close the look that was decided on, and ask for the next one where there is to be one."""
        if task.further:
            self._looks.close(task.further, decision, verdict.answer)
        asked, not_who = verdict.asks, ""
        if task.look in (Look.FIRST, Look.WALL):
            state = self._tasks.state(one.place)
            settled = state is not None and not state.number.waits
            if settled and self._rules.wants_second(task.number.identity, task.number.machine.field):
                asked, not_who = Look.SECOND, one.who
        if asked is not None:
            self._looks.ask(
                *(one.place, asked, task.read_at, verdict.texts),
                not_who=not_who,
                origin=task.further or None,
                opened_by=decision,
            )

    def _undo(self, decision: store.Decision, undoing: str, who: str) -> None:
        place = decision.place
        if self._decisions.is_undone(decision.id):
            return
        if decision.who != who:
            raise ConflictError("only whoever decided can undo it here; correct it instead")
        state = self._tasks.state(place)
        if state is None or state.known.processed_at != decision.read_at:
            raise ConflictError("the file was read again in the meantime")
        changes = [Change(**change) for change in json.loads(decision.effect)]
        words = state.number.words
        is_changed = any(words.get((c.review_id, c.kind), "") != c.new for c in changes)
        if is_changed or self._decisions.is_built_upon(place, decision.id):
            raise ConflictError("something newer was said of it; that was kept")
        at = now()
        back = [Change(c.review_id, c.kind, c.new, c.before) for c in changes]
        self._decisions.add(
            store.Decision(
                token=undoing,
                place=place,
                read_at=decision.read_at,
                look=Look.UNDO,
                answer="{}",
                shown="{}",
                effect=_effect_text(back),
                who=who,
                at=at,
                undoes=decision.id,
            )
        )
        self._correct(place, corrections_of(back, state.number, place, who, at))
        # what it asked for has not been looked at, or the decision would have been built upon
        self._looks.undo(decision.id)

    def _reopened(self, place: Place, look: Look) -> Task | None:
        if look in (Look.FIRST, Look.WALL):
            return self._tasks.task(place, Look.FIRST)
        further = self._looks.find_open(place, look, self._ledger.file(place.file).processed_at)
        return self._tasks.task(place, look, further) if further else None


def _check(task: Task, answer: Answer) -> None:
    """Refuse answers that cannot be of this number.

    Raises
    ------
    UsageError
    """
    said: Mapping[int, str] = dict(answer.digits)
    if bool(said) == bool(answer.text):
        raise UsageError("say either the number or its digits")
    if answer.text and not is_answer(answer.text):
        raise UsageError(f"{answer.text!r} is neither a number nor {NOT_A_DIGIT!r} or {ILLEGIBLE!r}")
    if not all(text == NOT_A_DIGIT or (is_answer(text) and text.isdigit()) for text in said.values()):
        raise UsageError(f"{said!r} are neither digits nor {NOT_A_DIGIT!r}")
    if not set(said) <= set(task.waiting):
        raise UsageError("that digit does not wait")
    if said and task.look is Look.FIRST and set(said) != set(task.waiting):
        raise UsageError("say something of each digit that waits")


def _effect(task: Task, answer: Answer) -> tuple[list[Change], _Verdict]:
    number = task.number
    if task.look in (Look.FIRST, Look.WALL):
        if answer.digits:
            return digits_said(number, dict(answer.digits)), _Verdict()
        return number_said(number, answer.text), _Verdict()
    if task.look is Look.THIRD:
        settled = is_same(answer.text, number.text) and not number.waits
        return [] if settled else number_said(number, answer.text), _Verdict(answer.text)
    if is_same(answer.text, number.text):
        return [], _Verdict(answer.text)
    differing = _Verdict(None, Look.THIRD, tuple(sorted({number.text, answer.text})))
    return (taken_back(number) if task.look is Look.SECOND else []), differing


def _effect_text(changes: Sequence[Change]) -> str:
    return json.dumps([asdict(change) for change in changes])
