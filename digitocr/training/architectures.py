"""Network architectures by name."""

from __future__ import annotations

from typing import Any


def digitnet(classes: int = 12) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return the network of the shipped model: 0.28 M parameters, some 0.1 ms a digit on one core.

    Four convolutions with batch normalisation, the first with stride 2, one pooling, one dense layer; logits out.

    Parameters
    ----------
    classes : int
        Outputs: ten digits, and for the pipeline ``sign`` and ``cut``.

    Returns
    -------
    keras.Model
        From ``(N, 28, 28, 1)`` in [0, 1] to ``(N, classes)`` logits.
    """
    import keras
    from keras import layers

    def block(x: Any, filters: int, size: int, **how: Any) -> Any:  # noqa: ANN401
        x = layers.Conv2D(filters, size, use_bias=False, **how)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    image = keras.Input((28, 28, 1), name="image")
    x = block(image, 24, 5, strides=2, padding="same")
    x = block(x, 48, 3, padding="same")
    x = layers.MaxPooling2D(2)(x)
    x = block(x, 64, 3, padding="same")
    x = block(x, 64, 3, padding="valid")
    x = layers.Dropout(0.25)(layers.Flatten()(x))
    x = layers.Dropout(0.25)(layers.Dense(128, activation="relu")(x))
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="digitnet")
