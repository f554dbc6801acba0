"""What the answer network's doubts cost."""

import numpy as np
import pytest

from digitocr.networks.answer_network import DIGITS, FILLER, PAPER, STRUCK
from digitocr.networks.classifier import log_softmax
from digitocr.training.fit.answer_network import DOUBT, PRICE, fair_shift


def test_doubts_stand_in_the_share_of_good_places_that_is_their_price():
    rng = np.random.default_rng(5)
    kinds = rng.integers(0, 4, 40_000).astype(np.int8)
    logits = rng.normal(0, 2, (40_000, 4)) + 3 * np.eye(4)[kinds]
    seen = np.exp(log_softmax(logits + fair_shift(logits, kinds)))
    is_blank = np.isin(kinds, (PAPER, FILLER))
    written = seen[:, [DIGITS, STRUCK]].sum(axis=1)
    assert (seen[kinds == DIGITS, STRUCK] > DOUBT).mean() == pytest.approx(PRICE, abs=2e-3)
    assert (written[is_blank] > DOUBT).mean() == pytest.approx(PRICE, abs=1e-3)
