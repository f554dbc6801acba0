"""A form as its author writes it."""

SPEC = """\
form: head_count
title: Head count
note: One digit in each box.
sections:
  - title: People
    columns: 2
    fields:
      men: {label: Men, cells: 2, blank: true}
      women: {cells: 2}
  - fields:
      house: {kind: digits, length: 6, checksum: luhn}
      day: {label: Day, kind: date, format: DDMMYYYY}
      rent: {kind: amount, cells: 6, decimals: 2}
      phone: {kind: digits, length: [6, 12], width: 90}
rules:
  some: men + women >= 1
"""
