"""The optimizer of the shipped networks."""

from __future__ import annotations

from typing import Any

LAST = "logits"
"""Name of a network's output layer, which Muon does not update."""


WEIGHT_DECAY = 1e-3
"""Share of each weight lost at a step, times the learning rate."""


def muon(learning_rate: Any, *, clipnorm: float | None = None) -> Any:  # noqa: ANN401
    """Return Muon [1]_ extended to convolution kernels; Keras applies it to matrices only.

    A kernel is reshaped to a matrix from its receptive field to its filters. Vectors and the output layer are updated
    by AdamW. Steps are scaled as in [2]_, so that one learning rate and one weight decay serve both.

    Parameters
    ----------
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
    clipnorm : float, optional
        Greatest norm of a variable's gradient.

    Returns
    -------
    keras.optimizers.Optimizer

    References
    ----------
    .. [1] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    .. [2] J. Liu et al., "Muon is scalable for LLM training", arXiv 2502.16982, 2025.
    """
    import keras
    from keras import ops

    class OfKernels(keras.optimizers.Muon):  # type: ignore[misc]
        """Muon for variables of two and more dimensions."""

        def _should_use_adamw(self, variable: Any) -> bool:  # noqa: ANN401
            return len(variable.shape) < 2 or LAST in variable.path.split("/")

        def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:  # noqa: ANN401
            flat = ops.reshape(x, (-1, x.shape[-1]))
            return ops.reshape(super().zeropower_via_newtonschulz5(flat, steps), x.shape)

        def lr_adjust(self, x: Any) -> Any:  # noqa: ANN401
            return ops.reshape(super().lr_adjust(ops.reshape(x, (-1, x.shape[-1]))), x.shape)

    return OfKernels(
        learning_rate, weight_decay=WEIGHT_DECAY, adam_weight_decay=WEIGHT_DECAY, clipnorm=clipnorm
    )
