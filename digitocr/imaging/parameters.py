"""Every number that is set in finding ink on a page: its meaning, its unit and its value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """How the outline of paper on a desk is found on a photo.

    The photo is reduced first; "pixels" are those of the reduced picture, brightness is in grey levels, 0 to 255.

    Attributes
    ----------
    side_px : int
        Longer side of the reduced picture.
    fineness : int
        The photo is thinned out before it is reduced, but to no less than this multiple of `side_px`.
    closing_px : int
        Side of the square that closes dark marks on the paper, such as writing.
    blur_px : int
        Side of the Gaussian kernel that smooths what remains; odd.
    white : float
        Brightness to which the brightest part of a dim photo is raised.
    white_share : float
        Share of the picture that is no brighter than its brightest part.
    min_white : float
        Brightness that the brightest part counts as at least, so that a dark photo is not raised without limit.
    levels : int
        Thresholds between paper and desk that are tried, from dark to bright.
    light_passes : int
        How often the fall of light is fitted, each time to a better division into paper and desk.
    light_step_px : int
        Distance of the pixels, in both directions, to which the fall of light is fitted.
    min_light : int
        Darker pixels count as this bright in that fit.
    opening_px : int
        Side of the square that breaks narrow bridges between the paper and other bright things.
    min_contrast : float
        Least difference of median brightness between paper and desk.
    min_area_share, max_area_share : float
        Limits of the paper's area, as a share of the picture's.
    tolerance_share : float
        How far the outline may stray from a quadrilateral, as a share of its length.
    min_fill_share : float
        Least share of the quadrilateral that is paper.
    frame_px : int
        A corner is on the frame of the picture up to this distance from it.
    frame_corners : int
        An outline with this many corners on the frame is not paper.
    side_samples : int
        Points along a side of the paper, from corner to corner, at which it is compared with the desk.
    skipped_samples : int
        Points left out at either end of a side.
    min_samples : int
        A side with fewer points within the picture is not compared.
    edge_px : int
        Distance from the side at which paper and desk are compared.
    min_edge : float
        Least median step of brightness from paper to desk at a side.
    max_desk_range : float
        Greatest difference of the desk's brightness between sides; beyond it, one of them is the edge of a shadow.
    """

    side_px: int = 400
    fineness: int = 4
    closing_px: int = 9
    blur_px: int = 5
    white: float = 225.0
    white_share: float = 0.95
    min_white: float = 40.0
    levels: int = 5
    light_passes: int = 4
    light_step_px: int = 6
    min_light: int = 8
    opening_px: int = 15
    min_contrast: float = 45.0
    min_area_share: float = 0.25
    max_area_share: float = 0.97
    tolerance_share: float = 0.04
    min_fill_share: float = 0.9
    frame_px: int = 2
    frame_corners: int = 3
    side_samples: int = 24
    skipped_samples: int = 3
    min_samples: int = 6
    edge_px: int = 6
    min_edge: float = 25.0
    max_desk_range: float = 45.0


@dataclass(frozen=True, slots=True)
class StraightLines:
    """How straight lines of ink are told from strokes; pixels are those of the sheet.

    Attributes
    ----------
    slack_px : int
        How far a level or upright run may wander across its direction, to either side.
    sampling_px : int
        Distance of the columns by which a picture without long runs is ruled out.
    edge_px : int
        A line reaches a side of the picture if it ends within this distance of it.
    thickness_strokes, thickness_px : float
        Greatest thickness of a line: this multiple of the stroke width, plus this.
    gap_strokes, gap_px : float
        Widest gap in a slanting line that is closed, such as at a stroke that crosses it: likewise.
    rise_px : float
        Height of a slanting line that is put down to its thickness, beyond the stroke width.
    max_slope : float
        Steepest slanting line of the least length, in pixels of rise per pixel.
    max_slope_long : float
        The same of a line of `long_factor` times that length.
    long_factor : float
        See `max_slope_long`; a large 7 is long and slanted, too.
    near_px, near_strokes : float
        Ink belongs to a line up to this distance from its parabola, plus this multiple of the stroke width.
    min_covered_share : float
        Least share of a line's columns that hold ink of it.
    min_covered_length_share : float
        Its columns that hold ink are also at least this share of the least length.
    max_stray_px : float
        Greatest mean distance of a line's ink from its parabola.
    parabola_passes : int
        How often the parabola is fitted, each time without the points that stray from the last one.
    stray_deviations : float
        Points stray beyond this multiple of their root mean square distance from the parabola,
    stray_px : float
        and beyond this distance.
    """

    slack_px: int = 1
    sampling_px: int = 4
    edge_px: int = 3
    thickness_strokes: float = 2.0
    thickness_px: float = 3.0
    gap_strokes: float = 3.0
    gap_px: float = 3.0
    rise_px: float = 3.0
    max_slope: float = 0.1
    max_slope_long: float = 0.3
    long_factor: float = 2.0
    near_px: float = 1.5
    near_strokes: float = 0.5
    min_covered_share: float = 0.75
    min_covered_length_share: float = 0.9
    max_stray_px: float = 0.65
    parabola_passes: int = 2
    stray_deviations: float = 2.0
    stray_px: float = 1.0


@dataclass(frozen=True, slots=True)
class Cuts:
    """How a component that may be several digits is cut; heights are those of its line.

    Attributes
    ----------
    min_width_heights : float
        A narrower component is not cut.
    wide_heights : float
        A wider component is cut along bent seams, a narrower one straight down. A wider piece may still be two digits
        and is cut where it is thinnest.
    full_share : float
        Share of a component's columns with no more ink than a full one.
    thin_share : float
        A column with no more ink than this share of a full one is a place to cut.
    smoothing_heights : float
        Width of the window in which the ink of columns is averaged before straight cuts.
    spacing_heights : float
        Least distance between two cuts,
    min_spacing_px : int
        but no less than this, in pixels of the picture that is cut.
    margin_heights : float
        Least distance of a cut from either end,
    min_margin_px : int
        but no less than this, in pixels of the picture that is cut.
    max_cuts : int
        Most cuts in one component.
    seam_rows_px : int
        Seams are planned on a picture reduced to at least this many rows, and to fewer than twice as many.
    slide_cost : float
        Cost of moving a seam aside by one column, in pixels of ink crossed.
    """

    min_width_heights: float = 0.5
    wide_heights: float = 0.8
    full_share: float = 0.9
    thin_share: float = 0.62
    smoothing_heights: float = 0.06
    spacing_heights: float = 0.17
    min_spacing_px: int = 3
    margin_heights: float = 0.12
    min_margin_px: int = 2
    max_cuts: int = 24
    seam_rows_px: int = 36
    slide_cost: float = 0.2


@dataclass(frozen=True, slots=True)
class Imaging:
    """All that is set in finding ink.

    Attributes
    ----------
    paper : Paper
    straight_lines : StraightLines
    cuts : Cuts
    """

    paper: Paper = Paper()
    straight_lines: StraightLines = StraightLines()
    cuts: Cuts = Cuts()
