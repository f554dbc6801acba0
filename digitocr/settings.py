"""One validated settings object: flags over ``DIGITOCR_*`` variables over a TOML file over the defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from digitocr.errors import UsageError
from digitocr.records import Limits

DEFAULT_FILE = Path("digitocr.toml")


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Everything a run can be told. Relative paths are taken from the working folder."""

    # .env files are not read: what changes a result should be seen on the command line or in our own file
    model_config = SettingsConfigDict(env_prefix="DIGITOCR_", env_file=None, frozen=True, extra="forbid")

    inbox: Path = Path("inbox")
    """The folder that is emptied; any other is left as it was."""
    results: Path = Path("results")
    review: Path = Path("review")
    archive: Path = Path("archive")
    failed: Path = Path("failed")
    state: Path = Path(".digitocr")
    model: Path | None = None
    """A model file instead of the shipped one."""
    templates: Path | None = None
    """A folder of templates: a page that is one of these forms is read field by field."""
    threshold: float | None = Field(default=None, ge=0, le=1)
    """Accept a number from this confidence on; without it, what the model's card recommends."""
    batch_size: int = Field(default=32, ge=1, le=65536)
    """Candidates classified at once."""
    jobs: int = Field(default_factory=lambda: min(4, cores()), ge=1, le=64)
    """Chunks read side by side, and so the number of cores taken."""
    chunk: int = Field(default=16, ge=1, le=256)
    """Files whose candidates are classified together; one Prefect task."""
    annotate: bool = False
    prefect: bool = True
    settle: float = Field(default=2.0, ge=0)
    """Seconds a file must have been still before it is taken."""
    patience: float = Field(default=60.0, ge=0)
    """Seconds a file that cannot be decoded may be still arriving, for whoever looks again: the watcher, a schedule."""
    reprocess: Literal["", "changed", "failed", "all"] = ""
    """Read again what was read: what another model or other settings read, what failed, or all of it."""
    rescan: float = Field(default=30.0, gt=0)
    """Seconds between two full looks at the folder while watching."""
    polling: bool = False
    """Watch by looking instead of by the system's events, which network shares do not send."""
    log_file: Path | None = None
    """Log to this file as well, one JSON object a line."""
    metrics_file: Path | None = None
    """Write counters for Prometheus' text file collector here after every run."""
    keep_archive_days: float | None = Field(default=None, ge=0)
    """Housekeeping deletes archived files that were read longer ago; without it none."""
    keep_crops_days: float | None = Field(default=None, ge=0)
    """Housekeeping deletes crops that no one waits for after this long; without it none."""
    keep_ledger_days: float | None = Field(default=None, ge=0)
    """Housekeeping drops what only later corrections would need after this long; without it nothing."""
    max_pixels: int = Field(default=200_000_000, ge=64)
    """A page with more is refused before it is decoded."""
    max_pages: int = Field(default=200, ge=1)
    """A file with more is refused."""
    max_bytes: int = Field(default=500_000_000, ge=1)
    """A larger file is refused."""
    max_seconds: float = Field(default=120.0, gt=0)
    """Decoding a file is given up after this long; what was decoded until then is read."""

    @property
    def ledger(self) -> Path:
        """The truth behind the tables."""
        return self.state / "ledger.sqlite"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """Folders that the program writes, which are never input."""
        return self.results, self.review, self.archive, self.failed, self.state

    @property
    def limits(self) -> Limits:
        """What a file may cost."""
        return Limits(self.max_pixels, self.max_pages, self.max_bytes, self.max_seconds)


def load_settings(flags: Mapping[str, Any] | None = None, config: Path | str | None = None) -> Settings:
    """Gather the settings of a run.

    Parameters
    ----------
    flags : mapping, optional
        What was said on the command line; None stands for not said.
    config : path, optional
        A TOML file; without it ``digitocr.toml`` of the working folder, if it is there.

    Raises
    ------
    UsageError
        Where a value cannot be used, naming it.
    """
    said = {name: value for name, value in (flags or {}).items() if value is not None}
    written = _read_toml(config)

    class Sources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, written)

    try:
        return Sources(**said)
    except ValidationError as error:
        wrong = "; ".join(_explain(e, said, written) for e in error.errors())
        raise UsageError(f"settings cannot be used: {wrong}", hint="see --help") from None


def _read_toml(config: Path | str | None) -> dict[str, Any]:
    path = Path(config or DEFAULT_FILE)
    if not config and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the settings file {path}: {error}") from None


def _explain(error: Mapping[str, Any], said: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"there is no setting {name!r}"
    origin = "the command line" if name in said else f"DIGITOCR_{name.upper()}"
    if name not in said and f"DIGITOCR_{name.upper()}" not in os.environ and name in written:
        origin = "the settings file"
    return f"{name} = {error['input']!r} from {origin}: {error['msg']}"
