import numpy as np

from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.pen import Token, write
from digitocr.training.synth.strokes import Sources


def drawn_digit(seed, label, height=60.0, **hand):
    """Coverage by ink of one digit of our own skeletons."""
    rng = np.random.default_rng((5, seed))
    return write(rng, [Token(label)], draw_hand(rng, Sources(), **hand), height).alpha
