"""The measuring sets of ``DIGITOCR_DATA``, and how one is read within this process."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.scoring import Results, Scored, scored
from digitocr.pipeline import Reader
from digitocr.records import Reading, Source
from digitocr.results.tables import write_tables

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).parent / "out"
"""Where benchmarks leave files; ignored by git."""

SETS = ("cheques", "form_fields", "form_fields2", "cells", "forms", "forms2", "photos", "old_fields")

POOLED = ("cheques", "form_fields", "form_fields2", "cells")
"""Crops of modern paper. `forms` and `forms2` are the same fields on their pages; photos and old hands stand apart."""

AT_ONCE = {"photos": 1, "forms": 1, "forms2": 1, "drawn_pages": 1, "drawn_forms": 1, "layouts": 1}
"""Images that are read together; `CROPS_AT_ONCE` of the sets not named here."""

CROPS_AT_ONCE = 32


def data_folder() -> Path:
    """Return the folder of the sets, from ``DIGITOCR_DATA`` or the default.

    Returns
    -------
    Path

    Raises
    ------
    SystemExit
        The folder does not exist.
    """
    data = Path(os.environ.get("DIGITOCR_DATA", ROOT.parent / "shared/data")).resolve()
    if not data.is_dir():
        raise SystemExit(f"{data} does not exist: name the folder of the sets in DIGITOCR_DATA")
    return data


def read_here(reader: Reader, folder: Path) -> tuple[Scored, float]:
    """Read a set within this process.

    Parameters
    ----------
    reader : Reader
    folder : Path
        The set, with ``images/`` and ``truth.csv``.

    Returns
    -------
    found : Scored
    ms : float
        Milliseconds of processor time an image.
    """
    images = sorted((folder / "images").iterdir())
    at_once = AT_ONCE.get(folder.name, CROPS_AT_ONCE)
    started = time.process_time()
    parts = (images[i : i + at_once] for i in range(0, len(images), at_once))
    readings = [r for part in parts for r in reader.read([Source(path, path.name) for path in part])]
    ms = 1000 * (time.process_time() - started) / len(images)
    with tempfile.TemporaryDirectory() as work:
        return scored(written(readings, Path(work)), folder), ms


def written(readings: Iterable[Reading], folder: Path) -> Results:
    """Write readings as tables, and load them as the scorer does.

    Parameters
    ----------
    readings : iterable of Reading
    folder : Path
        Existing and empty.

    Returns
    -------
    Results
    """
    rows = ["file,status"]
    for reading in readings:
        write_tables(folder, reading.result, reading.result.file)
        rows.append(f"{reading.result.file},{reading.result.status}")
    (folder / "files.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Results(folder)
