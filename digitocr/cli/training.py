"""``digitocr train | evaluate | …``: training and measuring models; what they need is imported when they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from digitocr.cli import options, overview
from digitocr.cli.console import Console
from digitocr.cli.options import SHIPPED
from digitocr.errors import ModelError, UsageError

MODELS = Path("models")
OUTPUT = Path("training-out")

_EXTRAS = {
    "sklearn": "training",
    "matplotlib": "training",
    "onnx": "onnx",
    "tf2onnx": "onnx",
}
"""The extra of this package that brings a module."""

_MODELS_HINT = f"`digitocr models` lists models; `{SHIPPED}` names the one that comes with the program"

_Model = Annotated[
    Path,
    typer.Argument(
        help=f"A .keras file with its card beside it, or {SHIPPED}.", parser=options.model, metavar="MODEL"
    ),
]
_Data = Annotated[
    str,
    typer.Option(
        help="Labelled digits: mnist, FILE.npz, a folder of IDX files, or a folder with one sub-folder of"
        " pictures for each digit."
    ),
]
_Rotations = Annotated[
    str,
    typer.Option(
        metavar="DEGREES",
        help="Add a copy of each digit, turned by one of these angles at random; counter-clockwise,"
        " for example 90,-90,180.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    app : typer.Typer
    """
    app.command(rich_help_panel=overview.MODELS)(options.from_fields(TrainOptions, train))
    for command in (evaluate, rotations, predict, models, export, compare, threshold):
        app.command(rich_help_panel=overview.MODELS)(command)


@dataclass(frozen=True)
class TrainOptions:
    """Options of ``train``; None leaves the choice to the recipe."""

    architecture: Annotated[
        str,
        typer.Option(
            help="conv64x3, conv32-64-64, dense128, digitnet or orientation;"
            " shipped retrains the model that comes with the program."
        ),
    ] = SHIPPED
    data: _Data = ""
    epochs: Annotated[int | None, typer.Option(help="By default as published for the architecture.")] = None
    batch_size: Annotated[int | None, typer.Option(help="By default as published.")] = None
    validation_split: Annotated[
        float | None,
        typer.Option(help="Share of the training digits held back for validation; by default as published."),
    ] = None
    scaling: Annotated[
        str | None,
        typer.Option(help="unit (pictures in [0, 1]) or l2-columns; by default as published."),
    ] = None
    rotations: _Rotations = ""
    augment: Annotated[
        bool, typer.Option("--augment", help="Distort the digits differently in every epoch.")
    ] = False
    schedule: Annotated[
        str | None, typer.Option(help="Learning-rate schedule: constant (default), plateau or cosine.")
    ] = None
    learning_rate: Annotated[
        float | None, typer.Option(help="Initial learning rate of Adam; 0.001 by default.")
    ] = None
    early_stopping: Annotated[
        int | None,
        typer.Option(
            metavar="EPOCHS",
            help="Stop when the validation loss has not fallen for this many epochs.",
        ),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None
    summary: Annotated[bool, typer.Option("--summary", help="Print the layers first.")] = False
    output: Annotated[
        Path | None, typer.Option(help="The .keras file to write; by default models/ARCHITECTURE.keras.")
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="With --corrections: the model to fine-tune, a .keras file or shipped;"
            " by default the one in use.",
        ),
    ] = None
    corrections: Annotated[
        Path | None,
        typer.Option(
            help="Fine-tune on a folder made by `corrections export`; the new model is used from now on"
            " if it is better."
        ),
    ] = None
    state: Annotated[
        Path | None,
        typer.Option(help="Folder in which promoted models are kept.", show_default=".digitocr"),
    ] = None

    def refuse_all_but(self, accepted: Iterable[str], message: str, hint: str = "") -> None:
        """Refuse all options but the accepted ones.

        Raises
        ------
        UsageError
            If others were given; their names replace the braces in `message`.
        """
        given = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        refused = ", ".join(f"--{n.replace('_', '-')}" for n in given if n not in accepted)
        if refused:
            raise UsageError(message.format(refused), hint=hint)


def train(given: TrainOptions) -> None:
    """Train a network, and save it with its card and curves.

    Without --architecture, retrain the model that comes with the program.
    With --corrections, fine-tune a model on what people corrected.
    """
    _run(lambda: _train(given))


def _train(given: TrainOptions) -> int:
    if given.model is not None or given.corrections is not None:
        return _fine_tune(given)
    if given.architecture == SHIPPED:
        return _train_shipped(given)
    from digitocr.networks.classifier import SCALINGS
    from digitocr.training.extras import train as training
    from digitocr.training.extras.optional import require
    from digitocr.training.fit.augment import Variation
    from digitocr.training.fit.recipe import make_recipe

    if given.scaling is not None and given.scaling not in SCALINGS:
        raise UsageError(
            f"there is no scaling {given.scaling!r}", hint=f"choose one of {', '.join(SCALINGS)}"
        )
    recipe = make_recipe(
        given.architecture,
        epochs=given.epochs,
        batch_size=given.batch_size,
        validation_split=given.validation_split,
        scaling=given.scaling,
        rotations=_degrees(given.rotations) or None,
        variation=Variation() if given.augment else None,
        schedule=given.schedule,
        learning_rate=given.learning_rate,
        patience=given.early_stopping,
        seed=given.seed,
    )
    require("matplotlib")  # for the curves at the end
    if given.summary:
        training.summary(recipe)
    output = given.output or MODELS / f"{given.architecture}.keras"
    return training.command(recipe, given.data or "mnist", output)


def _fine_tune(given: TrainOptions) -> int:
    """Fine-tune a model on corrections."""
    if given.corrections is None:
        raise UsageError("--from needs --corrections", hint="python -m digitocr corrections export FOLDER")
    accepted = ("architecture", "model", "corrections", "state", "epochs", "seed", "output")
    given.refuse_all_but(accepted, "--corrections cannot be combined with {}")
    from digitocr.networks.registry import model_in_use
    from digitocr.settings import load_settings
    from digitocr.training.adapt import learning

    settings = load_settings({"state": given.state})
    plan = learning.Plan(given.corrections, given.output or OUTPUT / "tuned.keras")
    chosen: dict[str, Any] = {"epochs": given.epochs, "seed": given.seed}
    plan = replace(plan, **{name: value for name, value in chosen.items() if value is not None})
    if given.model is None:
        return learning.command(settings, model_in_use(settings), plan)
    return learning.command(settings, None if given.model == SHIPPED else Path(given.model), plan)


def _train_shipped(given: TrainOptions) -> int:
    """Train the model that comes with the program from scratch."""
    accepted = ("state", "data", "epochs", "batch_size", "seed", "output")
    hint = "name an --architecture"
    given.refuse_all_but(accepted, f"the recipe {SHIPPED} does not take {{}}", hint)
    from digitocr.training import shipped

    chosen: dict[str, Any] = {
        "data": Path(given.data) if given.data else None,
        "epochs": given.epochs,
        "batch_size": given.batch_size,
        "seed": given.seed,
        "output": given.output,
    }
    recipe = shipped.ShippedRecipe()
    return shipped.make(replace(recipe, **{name: v for name, v in chosen.items() if v is not None}))


def evaluate(
    model: _Model,
    data: _Data = "mnist",
    rotations: _Rotations = "",
    output: Annotated[
        Path | None, typer.Option(help="Folder for the plots; by default training-out/evaluate/NAME.")
    ] = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Measure a model on labelled digits.

    Print loss, accuracy, calibration error and a report for each digit;
    plot the confusion matrix, the most confident mistakes and the calibration.
    """

    def command() -> int:
        from digitocr.training.extras import evaluation

        folder = output or OUTPUT / "evaluate" / model.stem
        return evaluation.command(model, data, _degrees(rotations), folder, as_json=as_json)

    _run(command)


def rotations(
    model: _Model,
    turned: Annotated[
        Path | None, typer.Option(help="A model trained on turned copies, for comparison.")
    ] = None,
    orientation: Annotated[
        Path | None,
        typer.Option(help="A network that detects the rotation; digits are turned upright, then read."),
    ] = None,
    data: _Data = "mnist",
    step: Annotated[float, typer.Option(help="Degrees between the measured rotations.")] = 15.0,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the plot; by default training-out/rotations/NAME.")
    ] = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Measure how rotation affects a model, and compare ways of reading rotated digits."""

    def command() -> int:
        from digitocr.training.extras import rotation_study

        folder = output or OUTPUT / "rotations" / model.stem
        return rotation_study.command(model, (turned, orientation), data, step, folder, as_json=as_json)

    _run(command)


def predict(
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures of one digit each, or folders of pictures.")
    ],
    model: options.Model = None,
    csv: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("predictions.csv"),
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Plot each input, what the network saw of it, and the ten probabilities."
        ),
    ] = None,
) -> None:
    """Read pictures of one digit each: drawings, screenshots, photos."""

    def command() -> int:
        from digitocr.training.extras import prediction

        return prediction.command(pictures, model, csv, plot)

    _run(command)


def models(
    folder: Annotated[Path | None, typer.Argument(help="Folder of models.", show_default=str(MODELS))] = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """List models with the metrics on their cards, the one that comes with the program first."""

    def command() -> int:
        from digitocr.training.extras import models as listing

        found = listing.list_models(folder) if folder else listing.available(MODELS)
        return listing.command(found, as_json=as_json)

    _run(command)


def export(
    model: _Model,
    form: Annotated[str, typer.Option("--format", help="savedmodel, tflite or onnx.")],
    data: _Data = "mnist",
    output: Annotated[
        Path | None, typer.Option(help="File or folder to write; by default beside the model.")
    ] = None,
) -> None:
    """Write a model for other programs, after checking that it answers as Keras does on the test digits."""

    def command() -> int:
        from digitocr.training.extras import exporting

        return exporting.command(model, form, data, output)

    _run(command)


def compare(
    models: Annotated[
        list[Path],
        typer.Argument(
            help=f"Two or more .keras files, or {SHIPPED}.", parser=options.model, metavar="MODEL..."
        ),
    ],
    data: _Data = "mnist",
    rotations: _Rotations = "",
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Compare models on the same digits: accuracy, loss, time per digit, McNemar's test."""

    def command() -> int:
        from digitocr.training.extras import comparison

        return comparison.command(models, data, _degrees(rotations), as_json=as_json)

    _run(command)


def threshold(
    labelled: Annotated[
        Path,
        typer.Option(help="Folder of pictures with truth.csv (columns file and text).", show_default=False),
    ],
    target_error: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Accepted share of errors among the accepted numbers.")
    ] = 0.001,
    model: options.Model = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Find the confidence threshold for a target error rate, on your own labelled pictures."""

    def command() -> int:
        from digitocr.networks import runtime
        from digitocr.pipeline import load_reader
        from digitocr.training.calibrate import acceptance

        acceptance.read_truth(labelled)
        with runtime.quietly():
            reader = load_reader(model)
        return acceptance.study(reader, labelled, target_error, as_json=as_json)

    _run(command)


def _degrees(text: str) -> tuple[float, ...]:
    """Parse angles in degrees, written ``90,-90,180``."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is not a list of angles in degrees", hint="write it as 90,-90,180"
        ) from None


def _run(command: Callable[[], int]) -> None:
    """Run a command; report a missing extra as a usage error."""

    def complete() -> int:
        try:
            return command()
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get((error.name or "").partition(".")[0])
            if extra is None:
                raise
            hint = f"in the folder of the program: pip install '.[{extra}]'"
            raise UsageError(f"this needs {error.name}", hint=hint) from None
        except ModelError as error:
            raise ModelError(error.message, hint=_MODELS_HINT) from None

    Console().run(complete)
