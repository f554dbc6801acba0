"""Skeletons of the letters that a digit may look like: they are written in words only, which tell them from digits."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from digitocr.training.synth.skeletons import Skeleton, by_label, skeleton

_ALIKE: Final = (
    skeleton("b", "bowl", 1, ".06,.0 .02,.9* .1,.58 .3,.48 .42,.72 .26,1 .04,.92"),
    skeleton("c", "open", 1, ".4,.52 .2,.44 .02,.7 .16,.98 .42,.9"),
    skeleton("d", "bar", 1, ".4,.54 .18,.44 .02,.72 .16,1 .38,.84 .44,.0* .42,.86 .54,1"),
    skeleton("f", "hook", 1, ".4,.06 .26,.0 .16,.16 .14,1", ".0,.46 .34,.44"),
    skeleton("g", "tail", 1, ".4,.52 .18,.44 .02,.7 .18,.96 .4,.8 .42,.46* .4,1.2 .2,1.34 .02,1.22"),
    skeleton("i", "dot", 1, ".04,.46 .02,.9 .14,1", ".06,.2 .07,.22"),
    skeleton("j", "dot", 1, ".16,.46 .16,1.16 .0,1.3", ".17,.2 .18,.22"),
    skeleton("l", "bar", 1, ".06,.0 .03,.86 .16,1"),
    skeleton("l", "loop", 1, ".0,.9 .26,.3 .2,.0 .08,.2 .1,.9 .26,1"),
    skeleton("o", "round", 1, ".24,.46 .02,.68 .18,1 .42,.8 .3,.48 .2,.48"),
    skeleton("p", "bowl", 1, ".04,.46 .02,1.34* .04,.62 .28,.46 .42,.7 .26,.98 .06,.9"),
    skeleton("q", "bar", 1, ".4,.54 .18,.44 .02,.7 .18,.98 .38,.84 .42,.46* .4,1.34"),
    skeleton("s", "snake", 1, ".36,.5 .16,.46 .06,.6 .32,.78 .3,.96 .02,.98"),
    skeleton("v", "wedge", 1, ".0,.46 .18,1* .38,.46"),
    skeleton("x", "low", 1, ".0,.48 .38,1", ".36,.46 .02,1"),
    skeleton("y", "tail", 1, ".0,.46 .06,.84 .24,.94 .38,.72 .42,.46* .36,1.16 .12,1.34"),
    skeleton("z", "zig", 1, ".02,.48 .38,.46* .02,1* .42,.98"),
    skeleton("B", "bowls", 1, ".02,1 .02,.02* .38,.08 .36,.42 .06,.48* .46,.6 .42,.94 .02,1"),
    skeleton("C", "open", 1, ".54,.12 .3,.0 .02,.46 .24,1 .56,.88"),
    skeleton("D", "bow", 1, ".02,1 .02,.02* .44,.16 .5,.7 .02,1"),
    skeleton("G", "hook", 1, ".52,.12 .28,.0 .02,.5 .26,1 .54,.84 .54,.58* .32,.58"),
    skeleton("I", "bar", 1, ".04,.0 .02,1"),
    skeleton("I", "serifs", 1, ".0,.0 .3,.0", ".15,.0 .15,1", ".0,1 .3,1"),
    skeleton("J", "hook", 1, ".34,.0 .34,.82 .18,1 .0,.86"),
    skeleton("O", "round", 1, ".3,.0 .02,.4 .2,.98 .56,.7 .46,.08 .26,.0"),
    skeleton("P", "bowl", 1, ".02,1 .02,.02* .42,.1 .4,.46 .04,.52"),
    skeleton("Q", "tail", 1, ".3,.0 .02,.4 .2,.98 .56,.7 .46,.08 .26,.0", ".34,.7 .62,1.06"),
    skeleton("S", "snake", 1, ".44,.08 .2,.0 .04,.22 .42,.6 .36,.94 .02,.94"),
    skeleton("X", "bars", 1, ".0,.0 .5,1", ".5,.0 .0,1"),
    skeleton("Y", "arms", 1, ".0,.0 .26,.5* .52,.0", ".26,.5 .22,1"),
    skeleton("Z", "zig", 1, ".0,.02 .5,.0* .0,1* .54,.98"),
)


@lru_cache(maxsize=1)
def alphabet() -> dict[str, tuple[Skeleton, ...]]:
    """Return the skeletons of all letters, small and capital.

    Returns
    -------
    mapping of str to tuple of Skeleton
    """
    found = {label: variants for label, variants in by_label().items() if len(label) == 1 and label.isalpha()}
    for one in _ALIKE:
        found[one.label] = (*(v for v in found.get(one.label, ()) if v.label != "x"), one)
    return found
