#!/usr/bin/env python3
"""Says which verdict every row of every sample must get, from the files alone: python3 expected.py

Reads the samples with Python's csv and openpyxl, knowing where each keeps its data, and ../upstream.csv. Shares no
code and no rule with denybatch or with the generators, so that it can disagree with both.
"""

import csv
import json
import re
from pathlib import Path

import openpyxl

SAMPLES = Path(__file__).resolve().parent.parent
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# file: (encoding, delimiter) or sheet; row of the heading; columns of id, comment and action, counted from 0
LAYOUT = {
    "plain.csv": (("utf-8", ","), 1, 0, 1, 2),
    "semicolon-windows-1252.csv": (("cp1252", ";"), 1, 0, 4, 5),
    "unicode-text.txt": (("utf-16", "\t"), 1, 2, 3, 4),
    "duplicates-and-invalid.csv": (("utf-8", ","), 1, 0, 1, 2),
    "portuguese.csv": (("utf-8-sig", ";"), 1, 4, 5, None),
    "plain.xlsx": ("Denials", 1, 0, 1, 2),
    "other-headings.xlsx": ("Rejections wk 46", 5, 5, 4, 7),
    "several-sheets.xlsx": ("2026-11", 1, 0, 1, 2),
    "formulas.xlsx": ("Duplicates", 1, 0, 3, 4),
    "macro.xlsm": ("Denials", 1, 0, 3, 4),
    "five-thousand.xlsx": ("Denials", 1, 0, 1, 2),
}


def main():
    with open(SAMPLES / "upstream.csv", newline="", encoding="utf-8") as file:
        upstream = {row["docId"]: row["status"] for row in csv.DictReader(file)}
    for name, (where, heading, *columns) in LAYOUT.items():
        rows = list(rows_of(SAMPLES / name, where))[heading:]
        verdicts = judge(enumerate(rows, start=heading + 1), columns, upstream)
        lines = ",\n".join(json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in verdicts)
        (SAMPLES / "expected" / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def rows_of(path, where):
    """Every row of the file as text, blank ones included."""
    if isinstance(where, tuple):
        encoding, delimiter = where
        with open(path, newline="", encoding=encoding) as file:
            yield from csv.reader(file, delimiter=delimiter)
        return
    for row in openpyxl.load_workbook(path, data_only=True)[where].iter_rows(values_only=True):
        yield ["" if value is None else str(value) for value in row]


def judge(rows, columns, upstream):
    seen = set()
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        doc, comment, action = (text(cells, column) for column in columns)
        key = doc.lower()
        if not UUID.fullmatch(key) or not comment or action.lower() not in ("", "dny", "deny", "denied"):
            result = "invalid"
        elif key in seen:
            result = "duplicate"
        else:
            seen.add(key)
            result = {"200": "denied", "220": "already_denied"}.get(upstream.get(key), "rejected")
        yield {"row": number, "docId": doc, "result": result}


def text(cells, column):
    return cells[column].strip() if column is not None and column < len(cells) else ""


if __name__ == "__main__":
    main()
