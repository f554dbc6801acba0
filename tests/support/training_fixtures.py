import numpy as np
import pytest
from drawn_digits import drawn_digit

from digitocr.recognition.normalize import to_mnist
from digitocr.training.datasets.digits import Dataset, Digits
from digitocr.training.fit.augment import Variation, vary
from digitocr.training.fit.recipe import fit, make_recipe


@pytest.fixture(scope="session")
def digits():
    """2,000 digits: 200 drawn ones, each varied ten times."""
    labels = np.tile(np.arange(10, dtype=np.uint8), 20)
    drawn = np.stack([to_mnist(drawn_digit(k, str(label))) for k, label in enumerate(labels)])
    images = np.concatenate([vary(drawn, np.random.default_rng(k), Variation()) for k in range(10)])
    return Digits(images, np.tile(labels, 10))


@pytest.fixture(scope="session")
def dataset(digits):
    return Dataset("drawn", digits, digits.part(slice(0, 300)))


@pytest.fixture(scope="session")
def npz(digits, tmp_path_factory):
    """The same digits as a file."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(
        path,
        x_train=digits.images,
        y_train=digits.labels,
        x_test=digits.images[:300],
        y_test=digits.labels[:300],
    )
    return path


@pytest.fixture(scope="session")
def fitted(digits):
    """One epoch on 2,000 digits."""
    return fit(make_recipe("conv32-64-64", epochs=1, validation_split=0.1, batch_size=32), digits)


@pytest.fixture(scope="session")
def model(fitted, dataset, tmp_path_factory):
    """The same network as files."""
    from digitocr.training.fit.cards import write_model

    path = tmp_path_factory.mktemp("models") / "small.keras"
    write_model(fitted, dataset, path, "a command", {"test_accuracy": 0.9})
    return path
