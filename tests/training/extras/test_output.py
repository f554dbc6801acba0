"""Tables on standard output."""

from digitocr.training.extras.output import table


def test_columns_are_as_wide_as_they_need(capfd):
    table([("model", "right"), ("a-long-name", 7), ("b", "99.5 %")])
    assert capfd.readouterr().out.splitlines() == [
        "model        right",
        "-----------  ------",
        "a-long-name  7",
        "b            99.5 %",
    ]
