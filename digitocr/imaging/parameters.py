"""Every number that is set in finding ink on a page: its meaning, its unit and its value."""

from __future__ import annotations

from dataclasses import dataclass, field

from digitocr.imaging.binarize import Binarization, FaintInk
from digitocr.imaging.cuts import Cuts
from digitocr.imaging.geometry import Geometry
from digitocr.imaging.kind import Kinds
from digitocr.imaging.paper import Paper
from digitocr.imaging.rows import Rows
from digitocr.imaging.rulings import Rulings
from digitocr.imaging.scale import Scale
from digitocr.imaging.segment import Segmentation
from digitocr.imaging.straight_lines import StraightLines


@dataclass(frozen=True, slots=True)
class Imaging:
    """All that is set in finding ink.

    Attributes
    ----------
    paper : Paper
    geometry : Geometry
    kinds : Kinds
    binarization : Binarization
    faint_ink : FaintInk
    straight_lines : StraightLines
    rulings : Rulings
    scale : Scale
    rows : Rows
    cuts : Cuts
    segmentation : Segmentation
    """

    paper: Paper = field(default_factory=Paper)
    geometry: Geometry = field(default_factory=Geometry)
    kinds: Kinds = field(default_factory=Kinds)
    binarization: Binarization = field(default_factory=Binarization)
    faint_ink: FaintInk = field(default_factory=FaintInk)
    straight_lines: StraightLines = field(default_factory=StraightLines)
    rulings: Rulings = field(default_factory=Rulings)
    scale: Scale = field(default_factory=Scale)
    rows: Rows = field(default_factory=Rows)
    cuts: Cuts = field(default_factory=Cuts)
    segmentation: Segmentation = field(default_factory=Segmentation)
