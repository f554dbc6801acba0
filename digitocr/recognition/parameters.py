"""Every number that is set in reading lines of ink: its meaning, its unit and its value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from digitocr.imaging.parameters import Imaging


@dataclass(frozen=True, slots=True)
class LineImages:
    """How a line is brought to the line reader's size; pixels are those of the line image, heights the line's.

    Attributes
    ----------
    digit_height_px : float
        Height to which a line of digits is brought.
    margin_px : int
        Paper at either end.
    max_width_px : int
        Widest image; a longer row is no number, and is shrunk.
    tall_heights : float
        Least height of a piece that shows where the middle of the line is.
    min_tall_pieces : int
        With fewer of them the line is taken as level,
    min_spread_heights : float
        and likewise where their middles do not spread further than this along the line.
    max_slope : float
        Steepest slope of a line, in pixels of rise per pixel.
    dark_share : float
        Share of the image that is no darker than its darkest ink, which is brought to full ink.
    """

    digit_height_px: float = 22.0
    margin_px: int = 8
    max_width_px: int = 4096
    tall_heights: float = 0.5
    min_tall_pieces: int = 3
    min_spread_heights: float = 2.0
    max_slope: float = 0.3
    dark_share: float = 0.99


@dataclass(frozen=True, slots=True)
class PageLines:
    """How a line is cut out of its page for the second reader.

    Attributes
    ----------
    margin_heights : float
        Surroundings on either side, in heights of the line.
    rows_heights : float
        Height of the picture, in heights of the line.
    max_width_px : int
        Widest picture; a longer row is no number, and is shrunk.
    """

    margin_heights: float = 0.5
    rows_heights: float = 1.8
    max_width_px: int = 2048


@dataclass(frozen=True, slots=True)
class Ctc:
    """How the line reader's frames are weighed.

    Attributes
    ----------
    min_p : float
        Least probability of what a stretch of a line may hold; a smaller one counts as this.
    beam : int
        Texts that are kept while the likeliest are sought, and proposed in the end.
    min_beam_p : float
        A digit less probable than this in a frame is not tried there.
    """

    min_p: float = 1e-6
    beam: int = 4
    min_beam_p: float = 1e-3


@dataclass(frozen=True, slots=True)
class CandidateGeometry:
    """How size and place of candidates become features; heights are those of the line.

    Attributes
    ----------
    tall_heights : float
        Least height of a piece that shows where the middle of the line is.
    min_tall_pieces : int
        With fewer of them the line is taken as level,
    min_spread_heights : float
        and likewise where their middles do not spread further than this along the line.
    max_size_heights : float
        Height and width count up to this,
    max_offset_heights : float
        and the offset from the middle of the line up to this.
    """

    tall_heights: float = 0.5
    min_tall_pieces: int = 3
    min_spread_heights: float = 2.0
    max_size_heights: float = 3.0
    max_offset_heights: float = 2.0


@dataclass(frozen=True, slots=True)
class Scoring:
    """Which candidates are classified, and what becomes of the scores; heights are those of the line.

    Attributes
    ----------
    min_settled_log_p : float
        A component is a digit beyond doubt from this probability on (natural logarithm): then neither parts of it nor
        wider ink around it are classified.
    min_settled_heights, max_settled_width_heights : float
        Least height and greatest width of such a component.
    min_log_p : float
        Least natural logarithm of a candidate's probability where the card has no weights.
    max_blank_log_p : float
        A line that is alone on its sheet may hold digits, though most of its ink reads as signs, if the line reader's
        probability of no digit at all is below this (natural logarithm).
    """

    min_settled_log_p: float = math.log(0.99)
    min_settled_heights: float = 0.5
    max_settled_width_heights: float = 1.1
    min_log_p: float = -20.0
    max_blank_log_p: float = math.log(0.1)


@dataclass(frozen=True, slots=True)
class NBest:
    """Which texts of a line are weighed against each other; logarithms are natural.

    Attributes
    ----------
    ctc_shares : tuple of float
        Shares of the line reader's scores in the mixtures, by each of which best paths are sought.
    digit_bonuses : tuple of float
        Logarithms added to the score of every digit, likewise.
    min_log_p_mixed : float
        Least logarithm of a candidate's probability in the mixtures.
    min_log_p_candidate : float
        Least logarithm of a candidate's probability on a path: either network may be wrong about an odd digit.
    min_log_p_text : float
        Least logarithm of a text's probability.
    min_log_p_unplaced : float
        Logarithm that stands for the path of a text that no candidates make up.
    min_log_p_sure : float
        A reader is sure of a text from this logarithm on: it is likelier than all others together.
    """

    ctc_shares: tuple[float, ...] = (0.0, 0.5, 1.0)
    digit_bonuses: tuple[float, ...] = (0.0, 1.5, 4.0)
    min_log_p_mixed: float = math.log(1e-6)
    min_log_p_candidate: float = -5.0
    min_log_p_text: float = -60.0
    min_log_p_unplaced: float = -15.0
    min_log_p_sure: float = math.log(0.5)


@dataclass(frozen=True, slots=True)
class Numbers:
    """How digits and signs along a line become numbers; heights are those of the line.

    Attributes
    ----------
    max_gap_heights : float
        Digits further apart belong to different numbers.
    max_mark_heights : float
        Greatest height of a sign that is a mark within a number; a higher one ends the number.
    cramped_heights : float
        Where two digits leave less room than this, a higher sign between them may be ink of theirs,
    certain_sign_p : float
        but not from this probability on.
    dash_aspect : float
        A mark wider than this multiple of its height is a dash.
    stroke_aspect : float
        A mark higher than this multiple of its width is a comma, or a slash
    min_slash_heights : float
        if it is higher than this
    min_slash_slant : float
        and wider than this share of its height.
    comma_aspect : float
        A smaller mark is a comma if it is higher than this multiple of its width, else a dot.
    """

    max_gap_heights: float = 2.0
    max_mark_heights: float = 0.5
    cramped_heights: float = 0.5
    certain_sign_p: float = 0.8
    dash_aspect: float = 1.8
    stroke_aspect: float = 1.8
    min_slash_heights: float = 0.35
    min_slash_slant: float = 0.25
    comma_aspect: float = 1.4


@dataclass(frozen=True, slots=True)
class Confidence:
    """Bounds of the features from which the confidence of a number is computed.

    Attributes
    ----------
    min_logit, max_logit : float
        Bounds of log odds.
    no_digit_log_p : float
        Natural logarithm of the probability that stands for the worst digit's where a number has no digits.
    max_margin : float
        Greatest difference of log probability between a digit and its runner-up.
    min_clutter_share : float
        Added to the clutter around a line, a share of its ink, so that the logarithm stays finite.
    min_line_height_px : float
        Least height of a line, in sheet pixels; a lower one counts as this high.
    usual_line_height_px : float
        Height of a line, in sheet pixels, at which the feature is 0.
    """

    min_logit: float = -8.0
    max_logit: float = 10.0
    no_digit_log_p: float = -12.0
    max_margin: float = 10.0
    min_clutter_share: float = 0.01
    min_line_height_px: float = 4.0
    usual_line_height_px: float = 28.0


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What sends a number to review, besides its confidence.

    Attributes
    ----------
    close_p : float
        Least probability of a runner-up that is a close alternative.
    min_shared_share : float
        Two numbers are in a row if they share at least this part of the lower one's height,
    max_height_ratio : float
        and the higher one is at most this multiple of the lower one.
    near_heights : float
        Numbers in a row with less white space between them than this, in their mean heights, may be one number, such
        as one written into cells side by side.
    """

    close_p: float = 0.25
    min_shared_share: float = 0.45
    max_height_ratio: float = 2.0
    near_heights: float = 2.0


@dataclass(frozen=True, slots=True)
class Orientation:
    """When a page is tried turned, and when the turned page is believed.

    "Likeness" of ink is the probability of its likeliest digit; "merit" of a way up is the digits read, each counted by
    its likeness beyond even odds, times the root of the most digits in a number.

    Attributes
    ----------
    clear_likeness : float
        Least mean likeness of the digits on a page that is not tried turned.
    clear_covered_share : float
        Least share of the rows' width that is read as digits on such a page.
    tall_heights : float
        Least height of a piece, in heights of its line, that counts in the width of a row.
    row_height_share : float
        On a crop, rows count from this share of the highest row with digits on.
    min_digits_per_number : float
        A turned page with fewer digits per number, on average, is not believed; upright, fewer digits per row than
        this are a reason for doubt.
    long_number_digits : int
        Digits of a number, from which on a page is tried upside down only: it is not on its side.
    samples : int
        Components of a page that are classified turned, before any of it is read turned.
    min_sample_px : int
        Least longer side of such a component, in sheet pixels.
    usual_size_share : float
        Share of these components that are no larger than one of the usual size.
    min_sample_size, max_sample_size : float
        Limits of the size of a component that is classified, as multiples of the usual size.
    min_gain_upside_down, min_gain_on_side : float
        A page is read upside down, or on its side, if the likeness of the components so turned is more than this
        multiple of their likeness upright.
    min_gain_of_best : float
        It must also be more than this multiple of the likeness of the best other way up.
    min_log_p_ctc : float
        A page is not turned where the line reader finds the text of each row likelier than this (natural logarithm).
    min_turn_merit : float
        A turned page is believed if its merit is more than this multiple of the upright page's.
    min_tie_merit, max_tie_merit : float
        Between these multiples of it, which way up the page is remains in doubt.
    """

    clear_likeness: float = 0.85
    clear_covered_share: float = 0.5
    tall_heights: float = 0.5
    row_height_share: float = 0.5
    min_digits_per_number: float = 1.5
    long_number_digits: int = 3
    samples: int = 16
    min_sample_px: int = 10
    usual_size_share: float = 0.7
    min_sample_size: float = 0.5
    max_sample_size: float = 2.0
    min_gain_upside_down: float = 1.4
    min_gain_on_side: float = 0.8
    min_gain_of_best: float = 0.8
    min_log_p_ctc: float = math.log(0.5)
    min_turn_merit: float = 1.6
    min_tie_merit: float = 0.75
    max_tie_merit: float = 3.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """All that is set in reading lines.

    Attributes
    ----------
    line_images : LineImages
    page_lines : PageLines
    ctc : Ctc
    candidate_geometry : CandidateGeometry
    scoring : Scoring
    nbest : NBest
    numbers : Numbers
    confidence : Confidence
    acceptance : Acceptance
    orientation : Orientation
    """

    line_images: LineImages = LineImages()
    page_lines: PageLines = PageLines()
    ctc: Ctc = Ctc()
    candidate_geometry: CandidateGeometry = CandidateGeometry()
    scoring: Scoring = Scoring()
    nbest: NBest = NBest()
    numbers: Numbers = Numbers()
    confidence: Confidence = Confidence()
    acceptance: Acceptance = Acceptance()
    orientation: Orientation = Orientation()


@dataclass(frozen=True, slots=True)
class Parameters:
    """All that is set in reading a page.

    Attributes
    ----------
    imaging : Imaging
    recognition : Recognition
    """

    imaging: Imaging = field(default_factory=Imaging)
    recognition: Recognition = field(default_factory=Recognition)
