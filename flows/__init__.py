"""The Prefect side: commands and flows, each a thin shell around :mod:`digitocr`."""
