#!/usr/bin/env python3
"""Makes every sample again, then upstream.csv and the expected verdicts: python3 make.py [--work DIR]

Needs soffice, vim, node with xlsx in DIR/node_modules, and openpyxl. See ../README.md.
"""

import argparse
import json
import subprocess
from pathlib import Path

import books
import expected
import programs
from desk import BRAZILIAN_SUPPLIERS, EVERY_LANGUAGE, LATIN1_SUPPLIERS, PORTUGUESE, WESTERN, Desk
from programs import Formula

SAMPLES = Path(__file__).resolve().parent.parent
CALC_XLSX = "Calc MS Excel 2007 XML"
CALC_XLSM = "Calc MS Excel 2007 VBA XML"
CALC_TEXT = "Text - txt - csv (StarCalc):{delimiter},34,{charset},1,,0,false,true,false"
SEMICOLON, TAB, WINDOWS_1252, UTF_16 = 59, 9, 1, 65535


def plain_csv(desk, work, target):
    """Typed by hand: three columns, Windows line ends, Vim."""
    statuses = ["200"] * 9 + ["220", "240", "200"]
    rows = [desk.invoice(status) for status in statuses]
    rows[-1].reason = "Credit note agreed by phone, see ticket #48213"
    text = "docId,comments,action\n" + "".join(f"{r.doc},{quoted(r.reason)},dny\n" for r in rows)
    programs.vim(work, text, target, "ff=dos", "fenc=utf-8", "nobomb")


def plain_xlsx(desk, work, target):
    """The demo: something of everything, LibreOffice."""
    statuses = ["200"] * 25 + ["220"] * 3 + ["240", "210", "230", "250", "260", ""]
    invoices = [desk.invoice(status, EVERY_LANGUAGE) for status in statuses]
    desk.rng.shuffle(invoices)
    rows = [[i.doc, i.reason, "dny", i.supplier, i.number, i.date, i.amount] for i in invoices]
    fresh = [row for row in rows if desk.state(row[0]) == "200"]
    fresh[4][1] = None
    fresh[9][0] = fresh[9][0][:-1]  # the last digit was not copied
    rows.insert(12, list(fresh[1]))
    rows.insert(20, [fresh[2][0].upper(), "Duplicate invoice, see mail of 12.11.", *fresh[2][2:]])
    rows.insert(27, [None, "Price differs, please check", "dny", *desk_columns(desk.invoice(""))])
    rows.insert(31, [desk.invoice().doc, "On hold until the credit note arrives", "hold", *fresh[7][3:]])
    rows.insert(36, [fresh[0][0], fresh[0][1], "deny", *fresh[0][3:]])
    heading = ["docId", "comments", "action", "Supplier", "Invoice", "Date", "Amount"]
    programs.fods(work / "plain.fods", {"Denials": ([8.2, 11, 1.8, 6.5, 3, 2.4, 2.8], [heading, *rows])})
    programs.libreoffice(work, work / "plain.fods", target, CALC_XLSX)


def semicolon(desk, work, target):
    """Saved as text by a European clerk: semicolons, Windows-1252, decimal commas; comments with line breaks."""
    statuses = ["200"] * 14 + ["220", "210"]
    invoices = [desk.invoice(status, WESTERN, LATIN1_SUPPLIERS) for status in statuses]
    invoices[1].reason = "Nicht bestellt – bitte prüfen…\nRückfrage bei Frau Größler, Tel. 0221 5550-17"
    invoices[4].reason = "Preço não confere:\nfaturado 1.250,00 €; acordado 1.100,00 €\n\nAguardamos a correção."
    invoices[7].reason = 'Coração do Vale: caixa "B" veio vazia; cobrança é indevida'
    invoices[10].reason = "Straße falsch; Umsatzsteuer 19 % fehlt"
    rows = [[i.doc.upper(), i.supplier, i.number, german(i.amount), i.reason, "DNY"] for i in invoices]
    heading = ["docId", "Lieferant", "Rechnung", "Betrag", "comments", "action"]
    programs.fods(work / "semicolon.fods", {"Ablehnungen": ([8, 6, 3, 3, 9, 2], [heading, *rows])})
    programs.libreoffice(work, work / "semicolon.fods", target,
                         CALC_TEXT.format(delimiter=SEMICOLON, charset=WINDOWS_1252))


def unicode_text(desk, work, target):
    """What Excel calls Unicode text: UTF-16LE with a byte order mark, tabs, Windows line ends. LibreOffice, then Vim."""
    statuses = ["200"] * 13 + ["220", ""]
    rows = [[i.number, i.supplier, i.doc, i.reason, "dny"]
            for i in (desk.invoice(status, EVERY_LANGUAGE) for status in statuses)]
    heading = ["Invoice", "Supplier", "docId", "comments", "action"]
    programs.fods(work / "unicode.fods", {"Denials": ([3, 6, 8, 9, 2], [heading, *rows])})
    saved = work / "unicode.txt"
    programs.libreoffice(work, work / "unicode.fods", saved, CALC_TEXT.format(delimiter=TAB, charset=UTF_16))
    programs.vim_open(saved, target, "utf-16le", "ff=dos", "bomb", "fenc=utf-16le")


def other_headings(desk, work, target):
    """A report from another system, filled in by hand: openpyxl."""
    statuses = ["200"] * 20 + ["220", "230", "240", ""]
    invoices = [desk.invoice(status, EVERY_LANGUAGE) for status in statuses]
    desk.rng.shuffle(invoices)
    books.other_headings(target, invoices)


def several_sheets(desk, work, target):
    """Last month hidden in front, this month, and notes behind: openpyxl."""
    old = [desk.invoice("220", old="Denied in September run") for _ in range(6)]
    statuses = ["200"] * 16 + ["220", "250"]
    books.several_sheets(target, old, [desk.invoice(status) for status in statuses])


def duplicates_and_invalid(desk, work, target):
    """Everything that people type and paste into a CSV, no line end at its end: Vim."""
    d = [desk.invoice().doc for _ in range(22)]
    denied = desk.invoice("220", old="Denied last month already").doc  # with the very comment that the file gives
    cancelled = desk.invoice("240").doc
    text = f"""docId,comments,action
{d[0]},Goods not received against PO 4500123456,dny
{d[1]},"Price differs from PO 4500123457, see mail",dny

{d[0]},Goods not received against PO 4500123456,dny
{d[1].upper()},Quantity differs,dny
,No purchase order quoted,dny
{d[2]},,dny
{d[2]},Reason added on a second line,dny
{d[2].upper()},Reason added on a third line,dny
{d[3]},   ,dny
{d[4]},Approved by plant manager,acc
{d[5]},Please pay,approve
4.50012E+14,Duplicate invoice,dny
450012345678901,Duplicate invoice,dny
INV-26-04711,Duplicate invoice,dny
{d[6][:-3]},Id was cut off when copied,dny
{d[7].replace("-", "", 1)[:-1]}O,Letter O typed for a zero,dny
,,
#N/A,Not found by VLOOKUP,dny
{d[8]},"=HYPERLINK(""http://intranet.example/grn/5000310042"",""GRN missing"")",dny
{d[9]},-2+3 pieces delivered instead of 6,dny
{d[10]},@SUM of lines is not the total,dny
{d[11]},+91 20 5550 0142: supplier agreed to reissue,dny
{d[12]},"=1+1",deny
{d[13]},'t Veer BV billed twice,dny
{d[14]},Price for 19" rack is wrong,dny
{d[15]},No action given,
{d[16]},Row ends after the reason
  {d[17]}  ,  Spaces around everything  , dny 
{d[18]},Wrong price, see PO 4500123460,dny


{d[19]},Denied in words,Denied
{d[20].upper()},UPPER CASE FROM THE OLD SYSTEM,DENY
{d[20]},UPPER CASE FROM THE OLD SYSTEM,dny
{denied},Denied last month already,dny
{denied.upper()},Denied last month already,dny
{cancelled},Cancelled at GSTN,dny
{cancelled},Cancelled at GSTN,dny
{d[0]},,dny
{d[21]},Last line has no line end,dny"""
    programs.vim(work, text, target, "ff=unix", "fenc=utf-8", "nobomb", "noeol", "nofixeol")


def portuguese(desk, work, target):
    """Brazilian headings, semicolons, UTF-8 with a byte order mark, no action column: Vim."""
    statuses = ["200"] * 15 + ["220", "", "210"]
    lines = ["Fornecedor;Fatura;Data;Valor;Documento;Motivo"]
    for status in statuses:
        i = desk.invoice(status, PORTUGUESE, BRAZILIAN_SUPPLIERS)
        lines.append(f"{i.supplier};{i.number};{i.date:%d/%m/%Y};{german(i.amount)};{i.doc};{quoted(i.reason, ';')}")
    programs.vim(work, "\n".join(lines) + "\n", target, "ff=dos", "fenc=utf-8", "bomb")


def formulas(desk, work, target):
    """Reasons, ids and totals are formulas with calculated values: LibreOffice."""
    statuses = ["200"] * 14 + ["220", "240"]
    invoices = [desk.invoice(status) for status in statuses]
    export = [["Document id", "Invoice"]] + [[i.doc.upper(), i.number] for i in invoices]
    rows = [["docId", "Invoice", "Original", "comments", "action", "Net", "GST", "Total"]]
    for n, i in enumerate(invoices, start=2):
        rows.append([
            Formula(f"of:=LOWER(INDEX([$Export.A$2:.A$99];MATCH([.B{n}];[$Export.B$2:.B$99];0)))"),
            i.number, desk.number(), formula_reason(n), "dny", i.amount, 0.18, Formula(f"of:=ROUND([.F{n}]*(1+[.G{n}]);2)")])
    rows[5][2] = None      # no original: its reason comes out empty
    rows[9][1] = "INV-26-00000"  # not in the export: its id comes out as #N/A
    rows.append([None] * 5 + [Formula("of:=SUM([.F2:.F17])"), None, Formula("of:=SUM([.H2:.H17])")])
    programs.fods(work / "formulas.fods", {
        "Duplicates": ([8.2, 3, 3, 8, 1.8, 3, 1.5, 3], rows), "Export": ([8.2, 3], export)})
    programs.libreoffice(work, work / "formulas.fods", target, CALC_XLSX)


def formula_reason(n):
    if n % 3 == 0:
        return Formula(f'of:=IF([.C{n}]="";"";"Duplicate of "&[.C{n}]&" (total "&FIXED([.H{n}];2)&")")')
    return Formula(f'of:=IF([.C{n}]="";"";CONCATENATE("Duplicate of ";[.C{n}]))')


def five_thousand(desk, work, target):
    """A year's backlog: SheetJS."""
    reasons = [desk.reason(EVERY_LANGUAGE, 25000.0) for _ in range(60)]
    rows = []
    for n in range(4960):
        status = "220" if n % 97 == 5 else desk.rng.choice(["210", "230", "240", "250", "260", ""]) if n % 89 == 7 else "200"
        rows.append([desk.invoice(status).doc, desk.rng.choice(reasons), "dny"])
    for n in range(25):  # pasted twice, some with another reason
        doc, reason, _ = rows[180 * n]
        rows.append([doc.upper() if n % 2 else doc, desk.rng.choice(reasons) if n % 5 == 0 else reason, "dny"])
    for n in range(15):
        doc = desk.invoice("").doc
        rows.append([[doc[:-5], reasons[n], "dny"], [doc, "", "dny"], [None, reasons[n], "dny"],
                     [int(doc[:4], 16) + 4500120000, reasons[n], "dny"], [doc, reasons[n], "acc"]][n % 5])
    desk.rng.shuffle(rows)
    source = work / "five-thousand.json"
    source.write_text(json.dumps([["docId", "comments", "action"], *rows]), encoding="utf-8")
    script = Path(__file__).resolve().parent / "five-thousand.mjs"
    subprocess.run(["node", "--no-deprecation", script, source, target], check=True, cwd=work)


def macro(desk, work, target):
    """Saved as a macro-enabled workbook; LibreOffice keeps no module in it, since there is none to keep."""
    statuses = ["200"] * 8 + ["220", "240"]
    rows = [[i.doc, i.supplier, i.number, i.reason, "dny"] for i in (desk.invoice(status) for status in statuses)]
    heading = ["docId", "Supplier", "Invoice", "comments", "action"]
    programs.fods(work / "macro.fods", {"Denials": ([8.2, 6.5, 3, 9, 1.8], [heading, *rows])})
    programs.libreoffice(work, work / "macro.fods", target, CALC_XLSM)


def desk_columns(invoice):
    return [invoice.supplier, invoice.number, invoice.date, invoice.amount]


def quoted(text, delimiter=","):
    return '"' + text.replace('"', '""') + '"' if delimiter in text or '"' in text else text


def german(amount):
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


# Each sample has a seed of its own, so that changing one leaves the others as they are.
MAKERS = {
    "plain.csv": (1, plain_csv),
    "plain.xlsx": (2, plain_xlsx),
    "semicolon-windows-1252.csv": (3, semicolon),
    "unicode-text.txt": (4, unicode_text),
    "other-headings.xlsx": (5, other_headings),
    "several-sheets.xlsx": (6, several_sheets),
    "duplicates-and-invalid.csv": (7, duplicates_and_invalid),
    "portuguese.csv": (8, portuguese),
    "formulas.xlsx": (9, formulas),
    "macro.xlsm": (10, macro),
    "five-thousand.xlsx": (11, five_thousand),
}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=Path("build/samples"))
    work = options.parse_args().work.absolute()
    (work / "saved").mkdir(parents=True, exist_ok=True)
    upstream = Desk(0)
    for name, (seed, make) in MAKERS.items():
        desk = Desk(seed)
        make(desk, work, SAMPLES / name)
        if name.endswith((".xlsx", ".xlsm")):
            programs.stamp(SAMPLES / name)
        upstream.upstream += desk.upstream
    upstream.save(SAMPLES / "upstream.csv")
    expected.main()


if __name__ == "__main__":
    main()
