"""The notebook of examples runs from its first cell to its last, and its correction arrives in the tables."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
EXAMPLES = Path(__file__).parents[2] / "examples"


def texts(cell):
    """What a cell has printed or shown, as text."""
    return [one.get("text") or one["data"].get("text/plain", "") for one in cell.outputs]


def test_the_notebook_of_examples_runs():
    book = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "committed without outputs"
    NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": EXAMPLES}}
    ).execute()
    shown = [text for cell in book.cells if cell.cell_type == "code" for text in texts(cell)]
    assert any("40213" in text and "accepted" in text for text in shown)
    assert sum("<Figure" in text for text in shown) == 3
    assert "confirmed" in shown[-1]
