"""``python -m digitocr``; the commands are in :mod:`digitocr.cli`."""

from digitocr.cli.app import main

if __name__ == "__main__":
    main()
