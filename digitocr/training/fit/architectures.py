"""Network architectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digitocr.errors import UsageError
from digitocr.networks.card import L2_COLUMNS, UNIT


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network and how it is trained by default.

    Attributes
    ----------
    name : str
    build : callable
        Takes the number of classes, returns a fresh ``keras.Model`` from ``(N, 28, 28, 1)``.
    output : str
        ``probabilities`` or ``logits``.
    epochs, batch_size : int
    validation_split : float
        Share of the training digits, taken from their end, held back for validation.
    scaling : str
        How pictures in [0, 1] are scaled for it, see :func:`digitocr.networks.classifier.scaled`.
    """

    name: str
    build: Callable[[int], Any]
    output: str = "probabilities"
    epochs: int = 10
    batch_size: int = 64
    validation_split: float = 0.0
    scaling: str = UNIT


def digitnet(classes: int = 12) -> Any:  # noqa: ANN401 (Keras ships no types)
    """Return the network of the shipped model: 0.28 M parameters, about 0.03 ms a digit on one core when compiled.

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


def linenet(classes: int = 11) -> Any:  # noqa: ANN401
    """Return one of the line reader's networks: 0.50 M parameters, about 0.4 ms for a line of seven digits on one core.

    Convolutions reduce 32 rows to one and four columns to a frame; two more along the line widen the receptive field.

    Parameters
    ----------
    classes : int
        Outputs of each frame: ten digits and the blank.

    Returns
    -------
    keras.Model
        From ``(N, 32, 4 * T, 2)`` in [0, 1] to ``(N, T, classes)`` logits.
    """
    import keras
    from keras import layers

    def block(x: Any, filters: int, size: int | tuple[int, int], **how: Any) -> Any:  # noqa: ANN401
        x = layers.Conv2D(filters, size, use_bias=False, **how)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    strip = keras.Input((32, None, 2), name="strip")
    x = block(strip, 20, 5, strides=2, padding="same")
    x = block(x, 40, 3, padding="same")
    x = layers.MaxPooling2D(2)(x)
    x = block(x, 60, 3, padding="same")
    x = block(x, 60, 3, padding="same")
    x = layers.MaxPooling2D((2, 1))(x)
    x = block(x, 112, 3, padding="same")
    x = block(layers.ZeroPadding2D((0, 1))(x), 136, (4, 3))
    x = layers.Dropout(0.2)(layers.Reshape((-1, 136))(x))
    for dilation in (1, 2):
        wide = layers.Conv1D(136, 5, padding="same", dilation_rate=dilation, activation="relu")(x)
        x = layers.Dropout(0.1)(layers.Add()([x, wide]))
    return keras.Model(strip, layers.Dense(classes, name="logits")(x), name="linenet")


def ensemble(networks: Sequence[Any]) -> Any:  # noqa: ANN401
    """Combine networks of the same architecture into one that averages their logits.

    Trained alike but from different seeds, they make different errors, above all on unfamiliar input [1]_.

    Parameters
    ----------
    networks : sequence of keras.Model
        Are renamed, so that their names differ.

    Returns
    -------
    keras.Model

    References
    ----------
    .. [1] B. Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles",
       NeurIPS 2017.
    """
    import keras
    from keras import layers

    entry = keras.Input(networks[0].input_shape[1:])
    for k, network in enumerate(networks):
        network.name = f"{network.name}_{k}"
    return keras.Model(entry, layers.Average(name="logits")([network(entry) for network in networks]))


def conv64x3(classes: int = 10) -> Any:  # noqa: ANN401
    """Return the tutorials' network of three equal convolutions: 81,066 parameters for ten classes.

    Three times 64 filters of 3×3 with ReLU and pooling by 2, then 64 and 32 units with ReLU, then softmax.

    Parameters
    ----------
    classes : int
        Number of outputs.

    Returns
    -------
    keras.Model
        From ``(N, 28, 28, 1)`` in [0, 1] to ``(N, classes)`` probabilities.
    """
    import keras
    from keras import layers

    trunk = [
        layer for _ in range(3) for layer in (layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2))
    ]
    head = [layers.Dense(64, activation="relu"), layers.Dense(32, activation="relu")]
    out = layers.Dense(classes, activation="softmax")
    return keras.Sequential([keras.Input((28, 28, 1)), *trunk, layers.Flatten(), *head, out], name="conv64x3")


def conv32_64_64(classes: int = 10) -> Any:  # noqa: ANN401
    """Return the tutorials' network of 130,890 parameters for ten classes.

    Convolutions of 32, 64 and 64 filters of 3×3 with ReLU, pooling by 2 after the first two, 128 units, softmax.

    Parameters
    ----------
    classes : int
        Number of outputs.

    Returns
    -------
    keras.Model
        From ``(N, 28, 28, 1)`` in [0, 1] to ``(N, classes)`` probabilities.
    """
    return _conv32_64_64(classes, "conv32-64-64")


def _conv32_64_64(classes: int, name: str) -> Any:  # noqa: ANN401
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ],
        name=name,
    )


def dense128(classes: int = 10) -> Any:  # noqa: ANN401
    """Return the tutorials' network without convolutions: 128 units, softmax; 101,770 parameters for ten classes.

    Parameters
    ----------
    classes : int
        Number of outputs.

    Returns
    -------
    keras.Model
        From ``(N, 28, 28, 1)`` in [0, 1] to ``(N, classes)`` probabilities.
    """
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ],
        name="dense128",
    )


def orientation(classes: int = 4) -> Any:  # noqa: ANN401
    """Return the network that recognises quarter turns: the layers of :func:`conv32_64_64`.

    Parameters
    ----------
    classes : int
        Number of outputs.

    Returns
    -------
    keras.Model
        From ``(N, 28, 28, 1)`` in [0, 1] to ``(N, classes)`` probabilities.
    """
    return _conv32_64_64(classes, "orientation")


ARCHITECTURES: Mapping[str, Architecture] = {
    a.name: a
    for a in (
        Architecture("digitnet", digitnet, output="logits", batch_size=256),
        Architecture("conv64x3", conv64x3, epochs=5, batch_size=32, validation_split=0.3, scaling=L2_COLUMNS),
        Architecture("conv32-64-64", conv32_64_64),
        Architecture("dense128", dense128, epochs=5, batch_size=32),
        Architecture("orientation", orientation, epochs=4),
    )
}
"""Networks that can be trained on digits, by their name on the command line."""

ORIENTATION = "orientation"
"""The architecture whose classes are turns, not digits."""


def architecture(name: str) -> Architecture:
    """Return the architecture of that name.

    Parameters
    ----------
    name : str

    Returns
    -------
    Architecture

    Raises
    ------
    UsageError
        There is none of that name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        known = ", ".join(ARCHITECTURES)
        raise UsageError(f"there is no architecture {name!r}", hint=f"choose one of {known}") from None
