"""The sub-commands that train and measure; what they do is imported when they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.errors import UsageError

SHIPPED = "shipped"
"""The recipe of the model that travels with the program."""

MODELS = Path("models")
PICTURES = Path("training-out")

_EXTRAS = {
    "sklearn": "training",
    "matplotlib": "training",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "tf2onnx": "onnx",
}
"""What may be missing, and the extra of this package that brings it."""

_Model = Annotated[Path, typer.Argument(help="A .keras file with its card beside it.")]
_Data = Annotated[
    str,
    typer.Option(
        help="mnist, FILE.npz, a folder of IDX files, or a folder with a sub-folder of pictures per digit."
    ),
]
_Rotations = Annotated[
    str,
    typer.Option(
        metavar="DEGREES", help="Add of each digit a copy turned to the left by one of these: 90,-90,180."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands to the command line."""
    for command in (train, evaluate, rotations, predict, models, export, compare, threshold):
        app.command()(command)


def train(
    architecture: Annotated[
        str,
        typer.Option(
            help="conv64x3, conv32-64-64, dense128, digitnet, orientation; or shipped: the program's own model."
        ),
    ] = SHIPPED,
    data: _Data = "",
    epochs: Annotated[
        int | None, typer.Option(help="Without it, as published; so with the next three.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option()] = None,
    validation_split: Annotated[float | None, typer.Option(help="Share held back, from the end.")] = None,
    scaling: Annotated[str | None, typer.Option(help="unit (pictures in [0, 1]) or l2-columns.")] = None,
    rotations: _Rotations = "",
    augment: Annotated[bool, typer.Option("--augment", help="Vary the digits in every epoch.")] = False,  # noqa: FBT002
    schedule: Annotated[
        str | None, typer.Option(help="Of the learning rate: constant, plateau or cosine.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam, at the start; 0.001.")] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(metavar="EPOCHS", help="Stop when the validation loss has not fallen for so many."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Print the layers first.")] = False,  # noqa: FBT002
    output: Annotated[
        Path | None, typer.Option(help="The .keras file; models/ARCHITECTURE.keras without it.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="A .keras file, or shipped; with --corrections."),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(help="Learn from an export of corrections, and promote the new model if it is better."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where promoted models are kept.", show_default=".digitocr")
    ] = None,
) -> None:
    """Train a network, and save it with its card and the curves of its history."""
    said = {
        "data": data or None,
        "epochs": epochs,
        "batch_size": batch_size,
        "validation_split": validation_split,
        "scaling": scaling,
        "rotations": rotations or None,
        "augment": augment or None,
        "schedule": schedule,
        "learning_rate": learning_rate,
        "early_stopping": early_stopping,
        "seed": seed,
        "summary": summary or None,
        "output": output,
    }

    def command() -> int:
        if model is not None or corrections is not None:
            return _tuned(model, corrections, state, said)
        if architecture == SHIPPED:
            return _shipped(said)
        from digitocr.networks.classifier import SCALINGS
        from digitocr.training.extras import actions
        from digitocr.training.fit.augment import Variation
        from digitocr.training.fit.recipe import make_recipe

        if scaling is not None and scaling not in SCALINGS:
            raise UsageError(f"there is no scaling {scaling!r}", hint=f"choose of {', '.join(SCALINGS)}")
        recipe = make_recipe(
            architecture,
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            scaling=scaling,
            rotations=_turns(rotations) or None,
            variation=Variation() if augment else None,
            schedule=schedule,
            learning_rate=learning_rate,
            patience=early_stopping,
            seed=seed,
        )
        if summary:
            actions.summary(recipe)
        return actions.train(recipe, data or "mnist", output or MODELS / f"{architecture}.keras")

    _run(command)


def _tuned(
    model: str | None, corrections: Path | None, state: Path | None, said: Mapping[str, object]
) -> int:
    """Fine-tune a model on corrections, which takes few arguments."""
    if corrections is None:
        raise UsageError("--from needs --corrections", hint="python -m digitocr corrections export FOLDER")
    strange = [n for n, value in said.items() if value is not None and n not in ("epochs", "seed", "output")]
    if strange:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in strange)
        raise UsageError(f"with --corrections there is no {names}")
    from digitocr.networks.registry import model_in_use
    from digitocr.settings import load_settings
    from digitocr.training.adapt import learning

    settings = load_settings({"state": state})
    begin = None if model in (None, SHIPPED) else Path(str(model))
    epochs, seed, output = said["epochs"], said["seed"], said["output"]
    plan = learning.Plan(
        corrections,
        output if isinstance(output, Path) else PICTURES / "tuned.keras",
        epochs if isinstance(epochs, int) else 2,
        seed if isinstance(seed, int) else 1,
    )
    return learning.command(settings, begin if model else model_in_use(settings), plan)


def _shipped(said: Mapping[str, object]) -> int:
    """Make the shipped model by its own recipe, which takes few arguments."""
    taken = {name: said[name] for name in ("data", "epochs", "batch_size", "seed", "output")}
    strange = [name for name, value in said.items() if value is not None and name not in taken]
    if strange:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in strange)
        raise UsageError(f"the recipe {SHIPPED} does not take {names}", hint="name an --architecture")
    from digitocr.training import shipped

    arguments = [
        (f"--{name.replace('_', '-')}", str(value)) for name, value in taken.items() if value is not None
    ]
    return shipped.main([text for pair in arguments for text in pair])


def evaluate(
    model: _Model,
    data: _Data = "mnist",
    rotations: _Rotations = "",
    output: Annotated[
        Path | None, typer.Option(help="Folder of the pictures; training-out/evaluate/NAME without it.")
    ] = None,
    as_json: _Json = False,  # noqa: FBT002
) -> None:
    """Measure a model: loss, accuracy, report per digit, calibration; confusion and worst mistakes as pictures."""

    def command() -> int:
        from digitocr.training.extras import actions

        folder = output or PICTURES / "evaluate" / model.stem
        return actions.evaluate(model, data, _turns(rotations), folder, as_json=as_json)

    _run(command)


def rotations(
    model: _Model,
    turned: Annotated[
        Path | None, typer.Option(help="A model that learned from turned copies, to set beside.")
    ] = None,
    orientation: Annotated[
        Path | None, typer.Option(help="A network of turns; digits are turned upright by it, then read.")
    ] = None,
    data: _Data = "mnist",
    step: Annotated[float, typer.Option(help="Of the full circle, in degrees.")] = 15.0,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the picture; training-out/rotations/NAME without it.")
    ] = None,
    as_json: _Json = False,  # noqa: FBT002
) -> None:
    """Study what turning the digits does to a model, and compare ways of reading them all the same."""

    def command() -> int:
        from digitocr.training.extras import actions

        folder = output or PICTURES / "rotations" / model.stem
        return actions.rotations(model, (turned, orientation), data, step, folder, as_json=as_json)

    _run(command)


def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures of one digit each, or folders of them.")],
    model: Annotated[
        Path | None, typer.Option(help="A .keras file with its card; the shipped model without it.")
    ] = None,
    csv: Annotated[Path, typer.Option(help="The table to write.")] = Path("predictions.csv"),
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Draw inputs, what the network saw, and the ten probabilities."
        ),
    ] = None,
) -> None:
    """Read pictures of one digit each: paint files, screenshots, photos."""

    def command() -> int:
        from digitocr.training.extras import prediction

        return prediction.predict(pictures, model, csv, plot)

    _run(command)


def models(
    folder: Annotated[Path, typer.Argument(help="Where the models are.")] = MODELS,
    as_json: _Json = False,  # noqa: FBT002
) -> None:
    """List models with the figures on their cards."""

    def command() -> int:
        from digitocr.training.extras import actions

        return actions.models(folder, as_json=as_json)

    _run(command)


def export(
    model: _Model,
    form: Annotated[str, typer.Option("--format", help="savedmodel, tflite or onnx.")],
    data: _Data = "mnist",
    output: Annotated[Path | None, typer.Option(help="Beside the model without it.")] = None,
) -> None:
    """Write a model for other programs, once its answers are those of Keras on the test digits."""

    def command() -> int:
        from digitocr.training.extras import exporting

        return exporting.export(model, form, data, output)

    _run(command)


def compare(
    models: Annotated[list[Path], typer.Argument(help="Two .keras files or more.")],
    data: _Data = "mnist",
    rotations: _Rotations = "",
    as_json: _Json = False,  # noqa: FBT002
) -> None:
    """Measure models on the same digits, with McNemar's test and the time per digit."""

    def command() -> int:
        from digitocr.training.extras import actions

        return actions.compare(models, data, _turns(rotations), as_json=as_json)

    _run(command)


def threshold(
    labelled: Annotated[
        Path,
        typer.Option(help="A folder of pictures with truth.csv: columns file and text.", show_default=False),
    ],
    target_error: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of accepted numbers that may be wrong.")
    ] = 0.001,
    model: Annotated[Path | None, typer.Option(help="A model instead of the shipped one.")] = None,
    as_json: _Json = False,  # noqa: FBT002
) -> None:
    """Find the confidence from which on numbers can be accepted unseen, on labelled pictures of one's own."""

    def command() -> int:
        from digitocr.networks import runtime
        from digitocr.pipeline import load_reader
        from digitocr.training.calibrate import acceptance

        acceptance.read_truth(labelled)
        with runtime.quietly():
            reader = load_reader(model)
        return acceptance.study(reader, labelled, target_error, as_json=as_json)

    _run(command)


def _turns(text: str) -> tuple[float, ...]:
    """Read degrees as written: ``90,-90,180``."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(f"{text!r} are no degrees", hint="write them as 90,-90,180") from None


def _run(command: Callable[[], int]) -> None:
    """Run a command to its exit status; a missing extra is a mistake of the user, not of the program."""

    def complete() -> int:
        try:
            return command()
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get((error.name or "").partition(".")[0])
            if extra is None:
                raise
            raise UsageError(f"this needs {error.name}", hint=f"pip install 'digitocr[{extra}]'") from None

    console.set_up(quiet=False, verbose=False)
    raise typer.Exit(errors.guarded(complete))
