"""Models compared on the same digits."""

import json
import shutil

import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.training.extras import comparison

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_every_pair_is_tested(model, npz, tmp_path, capfd):
    other = tmp_path / "other.keras"
    for suffix in (".keras", ".json"):
        shutil.copy(model.with_suffix(suffix), other.with_suffix(suffix))
    assert comparison.command([model, other, model], str(npz), (), as_json=True) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["digits"] == 300
    assert [m["model"] for m in found["models"]] == [model.as_posix(), other.as_posix(), model.as_posix()]
    assert len(found["mcnemar"]) == 3
    assert all(t["only_first_right"] == t["only_second_right"] == 0 for t in found["mcnemar"])
    assert np.ptp([m["accuracy"] for m in found["models"]]) == 0


def test_one_model_alone_is_a_mistake(model, npz):
    with pytest.raises(UsageError, match="two models"):
        comparison.command([model], str(npz), (), as_json=True)
