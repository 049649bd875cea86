#!/usr/bin/env python3
"""Denies the rows of one file at InvX and writes a report beside it: the peer that `make bench` measures against.

The script that a competent engineer writes in an afternoon, and no worse: one session with keep-alive, bulk calls of 50,
eight workers, verdicts matched by document id. What it leaves out is what denybatch is for: a refused call condemns its
whole chunk, a lost answer is an error, nothing resumes.
"""

import argparse
import asyncio
import csv
import itertools
import json
import time

import aiohttp
import openpyxl

CHUNK = 50
CONCURRENCY = 8
DENIED = "220"
RESULT_COLUMNS = ["result", "result_status", "result_code", "result_message"]


def main():
    options = arguments()
    read, write = (read_xlsx, write_xlsx) if options.xlsx else (read_csv, write_csv)
    started = time.perf_counter()
    rows = read(options.file)
    heading = next(rows)
    rows, verdicts = asyncio.run(deny(options, heading, rows))
    write(options.out or ("report.xlsx" if options.xlsx else "report.csv"), heading, rows, verdicts)
    seconds = time.perf_counter() - started
    denied = sum(verdict[0] == "denied" for verdict in verdicts)
    print(f"{len(rows)} rows, {denied} denied, {seconds:.2f} s, {len(rows) / seconds:.0f} rows/s")


def arguments():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file")
    options.add_argument("--url", required=True)
    options.add_argument("--org", required=True)
    options.add_argument("--token", required=True)
    options.add_argument("--xlsx", action="store_true", help="read and write XLSX instead of CSV")
    options.add_argument("--out", help="default report.csv or report.xlsx")
    return options.parse_args()


async def deny(options, heading, rows):
    """Sends rows chunk by chunk; returns them with their verdicts, both in file order."""
    url = f"{options.url.rstrip('/')}/invx/apis/v1/orgs/{options.org}/edocuments/bulk"
    headers = {
        "Authorization": f"Bearer {options.token}",
        "X-FLYNN-N-USER-TOKEN": options.token,
        "X-FLYNN-N-ORG-ID": options.org,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    columns = [heading.index(name) for name in ("docId", "comments")]
    chunks = iter(lambda: list(itertools.islice(rows, CHUNK)), [])
    done = []  # (rows, verdicts) of each chunk, in file order

    async def work(session):
        for chunk in chunks:  # shared by the workers; each takes the next chunk
            slot = [chunk, None]
            done.append(slot)
            slot[1] = await deny_chunk(session, url, chunk, columns)

    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        await asyncio.gather(*(work(session) for _ in range(CONCURRENCY)))
    return [row for chunk, _ in done for row in chunk], [verdict for _, verdicts in done for verdict in verdicts]


async def deny_chunk(session, url, chunk, columns):
    """One bulk call; returns a verdict for every row of chunk."""
    doc, comment = columns
    body = json.dumps([{"docId": row[doc], "comments": row[comment], "action": "dny"} for row in chunk])
    try:
        async with session.patch(url, data=body) as response:
            status, answer = response.status, json.loads(await response.read())
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
        return [("failed", "", "", str(error))] * len(chunk)
    if status != 200:
        error = answer.get("error") or {}
        return [("failed", "", error.get("message", ""), f"HTTP {status}")] * len(chunk)
    items = {}
    for item in answer["data"]:
        document = item.get("itemData")
        if document:
            items[document["id"].lower()] = item
    return [verdict(items.get(row[doc].lower())) for row in chunk]


def verdict(item):
    if item is None:
        return "failed", "", "", "not in the answer"
    status = item["itemData"]["status"]
    if item["itemStatus"] == "1" and status == DENIED:
        return "denied", status, "", ""
    return "failed", status, "", json.dumps(item["itemErrors"])


def read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        yield from csv.reader(file)


def write_csv(path, heading, rows, verdicts):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([*heading, *RESULT_COLUMNS])
        out.writerows([*row, *verdict] for row, verdict in zip(rows, verdicts))


def read_xlsx(path):
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    for row in book.active.iter_rows(values_only=True):
        yield ["" if value is None else str(value) for value in row]


def write_xlsx(path, heading, rows, verdicts):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Report")
    sheet.append([*heading, *RESULT_COLUMNS])
    for row, verdict in zip(rows, verdicts):
        sheet.append([*row, *verdict])
    book.save(path)


if __name__ == "__main__":
    main()
