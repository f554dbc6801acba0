"""Settings: flags outweigh ``DIGITOCR_*`` variables, these the settings file, this the defaults."""

from __future__ import annotations

import difflib
import math
import os
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from digitocr.errors import UsageError
from digitocr.records import Limits, ReadOptions, SecondReading

DEFAULT_FILE = Path("digitocr.toml")
PREFIX = "DIGITOCR_"
"""Of the variables that hold settings."""

OTHER_VARIABLES = frozenset({"DIGITOCR_DATA", "DIGITOCR_MNIST", "DIGITOCR_REVIEW_TOKEN", "DIGITOCR_SERVED"})
"""Variables of the program that are no settings."""

_MISSPELT_SHARE = 0.9
"""Minimum similarity of a variable to one of ours; one that is less like it may belong to another program."""

_HINT = "`digitocr settings` lists all settings and where their values come from"


OLD_NAMES = {"jobs": "workers"}
"""Settings by the names that earlier releases gave them."""


_MAX_WORKERS = 1024
_SCHEDULER = re.compile(r"(tcp|tls)://[^\s/]+:\d+")
"""Address of a Dask scheduler."""

_GROUPS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

UNKNOWN_MEMORY = 8 << 30
"""Bytes assumed where the system does not tell how many there are."""

_OUR_SHARE = 0.75
"""Of the memory that this process may use: other programs and the system's cache of files need some as well."""


def cores(groups: Path = _GROUPS, own: Path = _OWN_GROUPS) -> int:
    """Return how many processors this process may use, the limits of its control groups included.

    Parameters
    ----------
    groups : Path
        Where the system shows control groups.
    own : Path
        Where it names that of this process.

    Returns
    -------
    int
        At least 1; a part of a processor counts as one.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([usable, *_quotas(groups, own)])))


def memory(groups: Path = _GROUPS, own: Path = _OWN_GROUPS) -> int:
    """Return how many bytes of memory this process may use, the limits of its control groups included.

    Parameters
    ----------
    groups, own : Path
        As for :func:`cores`.

    Returns
    -------
    int
        `UNKNOWN_MEMORY` where the system does not tell.
    """
    try:
        fitted = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return UNKNOWN_MEMORY
    first = _limits(groups / "memory", own, r"\d+:[^:]*\bmemory\b[^:]*:", "memory.limit_in_bytes")
    second = _limits(groups, own, "0::", "memory.max")
    return min([fitted, *(int(limit) for limit in (*first, *second) if limit.isdecimal())])


def _quotas(groups: Path, own: Path) -> Iterator[float]:
    """Yield the processors that the control group of this process, and each around it, may use."""
    for limit in _limits(groups, own, "0::", "cpu.max"):
        quota, period = limit.split()
        if quota.isdecimal():  # not "max"
            yield int(quota) / int(period)


def _limits(groups: Path, own: Path, kind: str, name: str) -> Iterator[str]:
    """Yield a limit of the control group of this process and of each around it, where they have it."""
    try:
        found = re.search(f"^{kind}/(.*)$", own.read_text(), re.MULTILINE)
    except OSError:  # not Linux
        return
    group = groups / (found[1] if found else "")
    for folder in (group, *group.parents):
        with suppress(OSError):
            yield (folder / name).read_text().strip()


RUNNER_BYTES, WORKER_BYTES = 200_000_000, 1_000_000_000
"""Memory of a process that hands out chunks, and of one that reads pages of a scanner, with its decoder."""

_LARGE_PAGE_SHARE = 0.25
"""Of the memory of a run, at least, for decoding a large page; only one is decoded at a time."""


def _can_be_split(command: str) -> str:
    """Refuse a command with a quotation mark too few.

    Raises
    ------
    ValueError
    """
    shlex.split(command)
    return command


def _can_read(workers: int | str) -> int | str:
    """Refuse what is neither a number of processes nor the address of a scheduler.

    Raises
    ------
    ValueError
    """
    if not (_SCHEDULER.fullmatch(workers) if isinstance(workers, str) else 1 <= workers <= _MAX_WORKERS):
        raise ValueError(f"should be a number up to {_MAX_WORKERS}, or tcp://HOST:PORT or tls://HOST:PORT")
    return workers


class Settings(BaseSettings):
    """All settings of the program. Relative paths start at the working folder."""

    # no .env files: what changes a result should be visible on the command line or in our own file
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=None, frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    inbox: Path = Path("inbox")
    """The folder that is emptied; other folders are left as they are."""
    results: Path = Path("results")
    """The folder of the tables."""
    review: Path = Path("review")
    """The folder of the review queue."""
    archive: Path = Path("archive")
    """Where files of the inbox go that were read."""
    failed: Path = Path("failed")
    """Where files of the inbox go that could not be read, with the reason beside them."""
    state: Path = Path(".digitocr")
    """The folder of the ledger."""
    model: Path | None = None
    """A model file instead of the shipped one."""
    templates: Path | None = None
    """A folder of templates; pages of these forms are read field by field."""
    threshold: float | None = Field(default=None, ge=0, le=1)
    """Accept a number from this confidence on; by default the threshold in the model's card."""
    second_reader: SecondReading = SecondReading.ALWAYS
    """Which lines the second reader reads."""
    batch_size: int = Field(default=32, ge=1, le=65536)
    """Candidates per call of the network."""
    workers: Annotated[int | str, Field(union_mode="left_to_right"), AfterValidator(_can_read)] = Field(
        default_factory=cores
    )
    """Processes that read, each on one core; or the scheduler of a Dask cluster: `tcp://HOST:PORT` or `tls://…`."""
    chunk: int = Field(default=16, ge=1, le=256)
    """Files per chunk: they are read together, as one Prefect task."""
    annotate: bool = False
    """Also draw what was read on each page."""
    prefect: bool | None = None
    """Read through Prefect; by default `run` and `watch` do if an API is named, the commands of `flows` always."""
    settle: float = Field(default=2.0, ge=0)
    """Seconds without a change before a file is taken."""
    patience: float = Field(default=60.0, ge=0)
    """Seconds for which the watcher and schedules try a file again that cannot be decoded: it may be still arriving."""
    reprocess: Literal["", "changed", "failed", "all"] = ""
    """Read files again: those read with another model or other settings, those that failed, or all."""
    rescan: float = Field(default=30.0, gt=0)
    """Seconds between two full scans of the folder while watching."""
    polling: bool = False
    """Watch by scanning; file system events do not work on network shares."""
    log_file: Path | None = None
    """Also log to this file, one JSON object per line."""
    metrics_file: Path | None = None
    """Write counters for Prometheus' text file collector to this file after every run."""
    on_done: Annotated[str, AfterValidator(_can_be_split)] | None = None
    """Told of each file that is done or failed: a URL to which JSON is posted, or a command that gets it as input."""
    web_address: str | None = Field(default=None, pattern="^https?://")
    """Where people reach the review page; links in Prefect lead there."""
    keep_archive_days: float | None = Field(default=None, ge=0)
    """Housekeeping deletes archived files that were read longer ago; by default none."""
    keep_crops_days: float | None = Field(default=None, ge=0)
    """Housekeeping deletes older crops whose numbers are settled; by default none."""
    keep_ledger_days: float | None = Field(default=None, ge=0)
    """Housekeeping deletes older readings, which only later corrections would need; by default none."""
    max_pixels: int = Field(default=200_000_000, ge=64)
    """Maximum pixels of a page; a larger one is refused before it is decoded."""
    max_pages: int = Field(default=200, ge=1)
    """Maximum pages of a file."""
    max_bytes: int = Field(default=500_000_000, ge=1)
    """Maximum size of a file."""
    max_seconds: float = Field(default=120.0, gt=0)
    """Maximum time for decoding a file; pages decoded until then are read."""
    max_reading_seconds: float = Field(default=600.0, gt=0)
    """Maximum time for reading the pages of a file; those read until then count."""
    max_candidates: int = Field(default=30_000, ge=1)
    """Maximum marks of a page that may be digits; a page with more is not read."""
    max_digits: int = Field(default=50_000, ge=1)
    """Maximum digits of a file; pages after these are not read."""
    max_crops: int = Field(default=100_000_000, ge=1)
    """Maximum bytes of the pictures for review of a page or a file; other pages are not read."""
    max_waiting: int = Field(default=2000, ge=1)
    """Maximum files that wait in the inbox; uploads beyond that are refused."""
    max_memory: int = Field(default_factory=lambda: int(_OUR_SHARE * memory()), ge=1)
    """Memory that may be used, in bytes: no more workers are started than fit, beside the decoding of a large page."""

    @property
    def ledger(self) -> Path:
        """The database behind the tables."""
        return self.state / "ledger.sqlite"

    @property
    def pictures(self) -> Path:
        """The folder of pictures whose file is being read."""
        return self.state / "pictures"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """Folders that the program writes; they are never input."""
        return self.results, self.review, self.archive, self.failed, self.state

    @property
    def limits(self) -> Limits:
        """Limits of a single file."""
        own = {name: getattr(self, f"max_{name}") for name in Limits.__slots__ if name != "memory"}
        left = self.max_memory - RUNNER_BYTES - self.fitting_workers * WORKER_BYTES
        return Limits(**own, memory=max(left, WORKER_BYTES))

    @property
    def fitting_workers(self) -> int:
        """How many workers of this machine there may be, beside runner and decoder of a large page; at least 1."""
        asked = self.workers if isinstance(self.workers, int) else 1
        shared = int((1 - _LARGE_PAGE_SHARE) * self.max_memory) - RUNNER_BYTES
        return max(1, min(asked, shared // WORKER_BYTES))

    @property
    def options(self) -> ReadOptions:
        """How a file is read."""
        return ReadOptions(self.threshold, self.batch_size, self.limits, self.second_reader)


def load_settings(flags: Mapping[str, Any] | None = None, config: Path | str | None = None) -> Settings:
    """Load the settings from all their sources.

    Parameters
    ----------
    flags : mapping, optional
        Values given on the command line; None stands for not given.
    config : path, optional
        A TOML file; by default ``digitocr.toml`` of the working folder, if it exists.

    Returns
    -------
    Settings

    Raises
    ------
    UsageError
        If a value cannot be used; the message names it and its source.
    """
    return _sources(flags, config).settings()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the program uses it.

    Attributes
    ----------
    name : str
    value : object
    origin : str
        Where the value comes from.
    meaning : str
    """

    name: str
    value: object
    origin: str
    meaning: str


def explain_settings(config: Path | str | None = None) -> list[Setting]:
    """Return every setting with its value and where that comes from; what may be secret is left out.

    Parameters
    ----------
    config : path, optional
        As for :func:`load_settings`.

    Returns
    -------
    list of Setting

    Raises
    ------
    UsageError
        If a value cannot be used.
    """
    sources = _sources(None, config)
    used = sources.settings()
    return [
        Setting(name, _public(name, getattr(used, name)), sources.origin(name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _public(name: str, value: object) -> object:
    """Return a value as it may be shown: of who is told of files only host or program, the rest may be secret."""
    if name != "on_done" or not isinstance(value, str):
        return value
    if url := re.match(r"(https?://)(?:[^/?#]*@)?([^/?#]*)(.*)", value.strip(), re.IGNORECASE | re.DOTALL):
        return url[1] + url[2] + ("/…" if url[3].strip("/") else "")
    program, *arguments = shlex.split(value) or [""]
    return f"{program} …" if arguments else program


@dataclass(frozen=True, slots=True)
class _Sources:
    """What each source says, the weightiest first.

    Attributes
    ----------
    flags, variables, file : mapping of str to object
    path : Path
        Of the settings file.
    """

    flags: Mapping[str, Any]
    variables: Mapping[str, Any]
    file: Mapping[str, Any]
    path: Path

    def settings(self) -> Settings:
        """Return the settings.

        Raises
        ------
        UsageError
            If a value cannot be used.
        """
        try:
            return Settings(**{**self.file, **self.variables, **self.flags})
        except ValidationError as error:
            wrong = "; ".join(self._explain(e) for e in error.errors())
            raise UsageError(f"settings cannot be used: {wrong}", hint=_HINT) from None

    def origin(self, name: str) -> str:
        """Return where the value of a setting comes from."""
        if name in self.flags:
            return "the command line"
        if name in self.variables:
            # variables may be written in small letters, too
            return next((one for one in _variables(name) if one in os.environ), _variable(name))
        return str(self.path) if name in self.file else "default"

    def _explain(self, error: Mapping[str, Any]) -> str:
        """Name a setting that cannot be used, its source, and why."""
        name, origin = str(error["loc"][0]), self.origin(str(error["loc"][0]))
        if error["type"] == "extra_forbidden":
            similar = difflib.get_close_matches(name, Settings.model_fields, 1)
            meant = f"; did you mean {similar[0]!r}?" if similar else ""
            return f"{origin}: there is no setting {name!r}{meant}"
        return f"{name} = {error['input']!r} from {origin}: {error['msg']}"


def _sources(flags: Mapping[str, Any] | None, config: Path | str | None) -> _Sources:
    _refuse_misspelt(os.environ)
    given = _renamed({name: value for name, value in (flags or {}).items() if value is not None})
    old = _renamed({name: os.environ[v] for name in OLD_NAMES if (v := _variable(name)) in os.environ})
    variables = old | EnvSettingsSource(Settings)()
    return _Sources(given, variables, _renamed(_read_toml(config)), Path(config or DEFAULT_FILE))


def _refuse_misspelt(variables: Iterable[str]) -> None:
    """Refuse variables that are nearly settings; what is like none may belong to somebody else.

    Raises
    ------
    UsageError
        If there is one.
    """
    known = {variable for name in Settings.model_fields for variable in _variables(name)}
    for variable in sorted(variables):
        name = variable.upper()
        if not name.startswith(PREFIX) or name in known or name in OTHER_VARIABLES:
            continue
        meant = difflib.get_close_matches(name, known, 1, _MISSPELT_SHARE)
        if meant:
            raise UsageError(f"there is no variable {variable}; did you mean {meant[0]!r}?", hint=_HINT)


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _variables(name: str) -> list[str]:
    """Return the variables that may hold a setting, the weightiest first."""
    return [_variable(name), *(_variable(old) for old, new in OLD_NAMES.items() if new == name)]


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings under the names of this release; where both names are given, the old one is left out."""
    new = {OLD_NAMES[name]: value for name, value in values.items() if name in OLD_NAMES}
    return new | {name: value for name, value in values.items() if name not in OLD_NAMES}


def _read_toml(config: Path | str | None) -> dict[str, Any]:
    """Read the settings file.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    path = Path(config or DEFAULT_FILE)
    if not config and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the settings file {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(
            f"the settings file {path} is not valid TOML: {error}", hint="write settings as name = value"
        ) from None
