"""The workbooks that openpyxl makes."""

import datetime

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.writer import excel

BOLD = Font(name="Calibri", size=11, bold=True)
HEAD = PatternFill("solid", start_color="FFD9E1F2")


def other_headings(path, invoices):
    """Title rows, other names in another order, extra columns, a total, a frozen heading with a filter."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Rejections wk 46"
    sheet["A1"], sheet["A1"].font = "Rejected supplier invoices", Font(name="Calibri", size=14, bold=True)
    sheet["A2"] = "Week 46/2026, plant Pune II; prepared by A. Kulkarni"
    sheet["A3"], sheet["B3"] = "Printed", datetime.datetime(2026, 11, 16, 8, 45)
    sheet.append([])
    sheet.append(["Supplier", "Invoice number", "Invoice date", "Amount (INR)", "Reason", "Document ID", "PO", "Action"])
    for n, i in enumerate(invoices):
        sheet.append([i.supplier, i.number, i.date, i.amount, i.reason, i.doc.upper() if n % 4 == 3 else i.doc,
                      4500120000 + 37 * n, ["Deny", "deny", None, "DNY"][n % 4]])
    first, last = 6, sheet.max_row
    sheet.cell(9, 6).value += " "  # pasted with a space behind it
    sheet.cell(12, 6).value = sheet.cell(12, 6).value + "\u00a0"  # and from a web page
    sheet.cell(15, 6).value = 4500120333  # the PO number typed in the wrong column
    sheet.cell(18, 5).value = None
    sheet.append([])
    sheet.append(["Total", None, None, f"=SUM(D{first}:D{last})"])
    dress(sheet, 5, first, last)
    landscape(sheet)
    save(book, path)


def dress(sheet, heading, first, last):
    for cell in sheet[heading]:
        cell.font, cell.fill, cell.alignment = BOLD, HEAD, Alignment(wrap_text=True, vertical="top")
    for row in sheet.iter_rows(first, last + 2):
        row[2].number_format, row[3].number_format = "dd/mm/yyyy", "#,##0.00"
    sheet["B3"].number_format = "dd/mm/yyyy hh:mm"
    sheet.cell(last + 2, 1).font = BOLD
    widths(sheet, 34, 16, 13, 16, 60, 42, 13, 9)
    sheet.freeze_panes = sheet.cell(first, 1)
    sheet.auto_filter.ref = f"A{heading}:H{last}"


def several_sheets(path, old, invoices):
    """A hidden archive in front that looks just like the data, the data, and notes."""
    book = openpyxl.Workbook()
    archive = book.active
    archive.title = "2026-09"
    archive.sheet_state = "hidden"
    denial_rows(archive, old)
    data = book.create_sheet("2026-11")
    denial_rows(data, invoices)
    choice = DataValidation(type="list", formula1='"dny"', allow_blank=True)
    choice.add(f"C2:C{data.max_row}")
    data.add_data_validation(choice)
    data.freeze_panes = "A2"
    notes = book.create_sheet("Notes")
    for line in ["How to fill this in", "1. One row per invoice, document id from the portal.",
                 "2. Give a reason the supplier can act on.", "3. Do not delete the hidden sheet, it is our archive."]:
        notes.append([line])
    notes["A1"].font = BOLD
    widths(notes, 70)
    landscape(data)
    book.active = 1
    data.sheet_view.tabSelected, archive.sheet_view.tabSelected = True, False
    save(book, path)


def denial_rows(sheet, invoices):
    sheet.append(["Doc Id", "Comments", "Action", "Supplier", "Invoice"])
    for cell in sheet[1]:
        cell.font, cell.fill = BOLD, HEAD
    for i in invoices:
        sheet.append([i.doc, i.reason, "dny", i.supplier, i.number])
    widths(sheet, 40, 58, 8, 34, 16)


def widths(sheet, *characters):
    for n, width in enumerate(characters, start=1):
        sheet.column_dimensions[get_column_letter(n)].width = width


def landscape(sheet):
    """One page wide, as people print such lists."""
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def save(book, path):
    """Saves book as if it were 20 November 2026, so that saving it again changes nothing."""
    moment = datetime.datetime(2026, 11, 20, 9)
    book.properties.creator, book.properties.created = "Accounts Payable", moment
    clock, excel.datetime = excel.datetime, _Stopped(moment)
    try:
        book.save(path)
    finally:
        excel.datetime = clock


class _Stopped:
    """Stands in for the datetime module inside openpyxl's writer."""

    timezone = datetime.timezone

    def __init__(self, moment):
        self.datetime = self
        self.moment = moment

    def now(self, tz=None):
        return self.moment
