"""``python -m digitocr``; the commands are in :mod:`digitocr.cli`."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported, which takes a second, ends it quietly, too.

    Raises
    ------
    SystemExit
        If it is interrupted.
    """
    try:
        from digitocr.cli.app import app
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was begun\n")
        raise SystemExit(130) from None
    app()


if __name__ == "__main__":
    main()
