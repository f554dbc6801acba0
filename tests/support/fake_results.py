"""Results folders and truths, written row by row or at random."""

import csv

from benchmarks.scoring import Figures, Results, scored

KINDS = {  # the columns of truth.csv
    "line": ("file", "text"),
    "photo": ("file", "text", "n_digits", "rotation_cw_deg", "medium", "tags"),
    "page": ("file", "field", "text", "x", "y", "width", "height", "note"),
}


def write_table(path, rows, columns=()):
    columns = columns or list(rows[0] if rows else ["file"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


class Fake:
    """Results tables and a truth, written row by row."""

    def __init__(self, folder, kind="line"):
        self.set, self.results = folder / "set", folder / "results"
        self.kind, self.truth, self.files = kind, [], []

    def want(self, file, text, **more):
        self.truth.append({"file": f"images/{file}", "text": text, **more})

    def read(self, file, *numbers, status="done"):
        """Write what was read: ``(text, confidence, status, (x, y))`` per number, 10 pixels a digit."""
        self.files.append({"file": file, "status": status, "seconds": "0.1"})
        if status == "failed":
            return
        digit_rows, number_rows = [], []
        for i, (text, confidence, state, (x, y)) in enumerate(numbers, start=1):
            base = {"file": file, "page": 1, "number": i, "y": y, "height": 10, "status": state}
            width = 10 * max(1, len(text))
            number_rows.append(base | {"text": text, "confidence": confidence, "x": x, "width": width})
            for j, digit in enumerate(text):
                place = {"position": j + 1, "x": x + 10 * j, "width": 10}
                digit_rows.append(base | place | {"digit": digit, "confidence": confidence})
        write_table(self.results / f"{file}.digits.csv", digit_rows)
        write_table(self.results / f"{file}.numbers.csv", number_rows)

    def finish(self):
        write_table(self.results / "files.csv", self.files)
        write_table(self.set / "truth.csv", self.truth, KINDS[self.kind])

    def figures(self, half=None) -> Figures:
        self.finish()
        return self.scored(half).figures()

    def scored(self, half=None):
        return scored(Results(self.results), self.set, half)


def spoil(rng, text):
    """Misread: digits replaced, lost and added."""
    read = []
    for digit in text:
        chance = rng.random()
        if chance > 0.1:
            read.append(digit if chance > 0.2 else rng.choice("0123456789"))
        if rng.random() < 0.05:
            read.append(rng.choice("0123456789"))
    return "".join(read)


def fill(fake, rng):
    """Write a set of random answers, some of them misread, split, unread, failed or outside the boxes."""
    for i in range(60):
        file, numbers = f"{rng.choice(('golf', 'golf', 'c1_2014_', 'c1_2014_', 'few'))}{i}.png", []
        for k in range(rng.randint(1, 4) if fake.kind == "page" else 1):
            text = "".join(rng.choices("0123456789", k=rng.choice((0, 1, 3, 6))))
            marked = text[:2] + "|" + text[2:] if fake.kind == "photo" and len(text) > 2 else text
            box = {}
            if fake.kind == "page":
                x = "" if rng.random() < 0.1 else 0
                box = {"field": f"f{k}", "x": x, "y": 40 * k, "width": 100, "height": 30}
            fake.want(file, marked, **box)
            read, cut = spoil(rng, text), rng.randint(0, 8)
            for part in (read[:cut], read[cut:]):
                if part or rng.random() < 0.1:
                    state = rng.choice(("accepted", "accepted", "review"))
                    place = rng.choice((0, 0, 0, 120)), 40 * k + 5
                    numbers.append((part, round(rng.random(), 4), state, place))
        status = rng.choice(("done", "done", "done", "done", "partial", "failed"))
        if rng.random() < 0.95:
            fake.read(file, *numbers, status=status if numbers else "empty")
