"""Networks trained in parallel, each in a process of its own.

On two cores, one network as small as ours trains only 1.4 to 1.5 times as fast as on one; two networks use both cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from digitocr.settings import cores


def report(text: str) -> None:
    """Report progress on standard error, with the time.

    Parameters
    ----------
    text : str
    """
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stderr.flush()


def in_parallel(jobs: Sequence[Callable[[], Path]]) -> list[Path]:
    """Run training jobs, as many at once as there are cores.

    Parameters
    ----------
    jobs : sequence of callable
        Module-level functions, or ``functools.partial`` of them; the longest first.

    Returns
    -------
    list of Path
        What the jobs return, in order.
    """
    at_once = min(cores(), len(jobs))
    with ProcessPoolExecutor(
        at_once,
        mp_context=get_context("spawn"),
        initializer=_limit,
        initargs=(cores() // at_once,),
        max_tasks_per_child=1,
    ) as pool:
        return [running.result() for running in [pool.submit(job) for job in jobs]]


def _limit(threads: int) -> None:
    """Limit TensorFlow to this many cores in this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def epoch_reporter(name: str) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return a Keras callback that reports the metrics of each epoch.

    Parameters
    ----------
    name : str
        Of the network, for the report.

    Returns
    -------
    keras.callbacks.Callback
    """
    import keras

    def report_epoch(epoch: int, logs: Mapping[str, float]) -> None:
        report(f"{name}: epoch {epoch + 1}, {', '.join(f'{key} {value:.4f}' for key, value in logs.items())}")

    return keras.callbacks.LambdaCallback(on_epoch_end=report_epoch)
