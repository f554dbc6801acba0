"""What runs left on the disk, to be compared."""

import csv


def tables_of(folder, *names):
    """All tables and pictures below folders, without the columns that hold times."""
    found = {}
    for path in sorted(p for name in names for p in (folder / name).rglob("*") if p.is_file()):
        if ".ledger" in path.parts:  # seconds stand in it, too
            continue
        content = path.read_bytes()
        if path.name == "files.csv":
            rows = csv.DictReader(content.decode().splitlines())
            content = [{k: v for k, v in row.items() if k not in ("seconds", "processed_at")} for row in rows]
        found[path.relative_to(folder).parts[1:]] = content
    return found
