"""Networks that learn side by side, and read together."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from digitocr.networks.runtime import compile_network, keras_call, load_network, runner
from digitocr.training.fit.architectures import ensemble, linenet
from digitocr.training.fit.parallel import in_parallel


@pytest.mark.soak  # ten seconds: a process that loads TensorFlow
def test_jobs_answer_in_order():
    assert in_parallel([partial(Path, name) for name in "ba"]) == [Path("b"), Path("a")]


@pytest.mark.soak  # ten seconds: a process that loads TensorFlow
def test_a_job_that_fails_is_told():
    with pytest.raises(FileNotFoundError):
        in_parallel([partial(Path.resolve, Path("/nowhere"), strict=True)])


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_networks_together_say_the_mean_of_what_they_say(tmp_path):
    members = [linenet() for _ in range(2)]
    strips = np.random.default_rng(1).random((2, 32, 64, 2), dtype=np.float32)
    alone = [keras_call(member)(strips) for member in members]
    together = ensemble(members)
    together.save(tmp_path / "lines.keras")
    network = load_network(tmp_path / "lines.keras")
    assert keras_call(network)(strips) == pytest.approx(np.mean(alone, axis=0), abs=1e-4)
    compiled = runner(compile_network(network))(strips)
    assert compiled == pytest.approx(np.mean(alone, axis=0), abs=0.2)
