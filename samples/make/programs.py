"""The programs that make the samples, driven from Python: LibreOffice, Vim and Node."""

import os
import subprocess
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"
 xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"
 office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.spreadsheet">
<office:automatic-styles>
<number:date-style style:name="Day"><number:day number:style="long"/><number:text>.</number:text><number:month number:style="long"/><number:text>.</number:text><number:year number:style="long"/></number:date-style>
<number:number-style style:name="Money"><number:number number:decimal-places="2" number:min-integer-digits="1" number:grouping="true"/></number:number-style>
<style:style style:name="head" style:family="table-cell"><style:table-cell-properties fo:background-color="#dde8cb"/><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="day" style:family="table-cell" style:data-style-name="Day"/>
<style:style style:name="money" style:family="table-cell" style:data-style-name="Money"/>
<style:style style:name="wrap" style:family="table-cell"><style:table-cell-properties fo:wrap-option="wrap"/></style:style>
<style:page-layout style:name="across"><style:page-layout-properties style:print-orientation="landscape" fo:page-width="29.7cm" fo:page-height="21cm" style:scale-to-X="1" style:scale-to-Y="0"/></style:page-layout>
<style:style style:name="sheet" style:family="table" style:master-page-name="Across"/>
{widths}</office:automatic-styles>
<office:master-styles><style:master-page style:name="Across" style:page-layout-name="across"/></office:master-styles>
<office:body><office:spreadsheet>
"""
TAIL = "</office:spreadsheet></office:body></office:document>\n"


class Formula(str):
    """A cell that LibreOffice calculates, in OpenFormula: of:=[.A1]+1."""


def fods(path, sheets):
    """Writes {name: (widths in cm, rows)} as a Flat ODF spreadsheet, LibreOffice's own format as one XML file."""
    styles = sorted({width for widths, _ in sheets.values() for width in widths})
    with open(path, "w", encoding="utf-8") as out:
        out.write(HEAD.format(widths="".join(map(column_style, styles))))
        for name, (widths, rows) in sheets.items():
            out.write(f'<table:table table:name={quoteattr(name)} table:style-name="sheet">\n')
            out.writelines(f'<table:table-column table:style-name="w{str(w).replace(".", "_")}"/>' for w in widths)
            for n, row in enumerate(rows):
                out.write(f"<table:table-row>{''.join(cell(v, n == 0) for v in row)}</table:table-row>\n")
            out.write("</table:table>\n")
        out.write(TAIL)


def column_style(width):
    name = str(width).replace(".", "_")
    return (f'<style:style style:name="w{name}" style:family="table-column">'
            f'<style:table-column-properties style:column-width="{width}cm"/></style:style>\n')


def cell(value, heading):
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, Formula):
        return f"<table:table-cell table:formula={quoteattr(value)}/>"
    if isinstance(value, (int, float)):
        style = "money" if isinstance(value, float) else "Default"
        return f'<table:table-cell table:style-name="{style}" office:value-type="float" office:value="{value}"/>'
    if hasattr(value, "isoformat"):
        return f'<table:table-cell table:style-name="day" office:value-type="date" office:date-value="{value.isoformat()}"/>'
    style = ' table:style-name="head"' if heading else ' table:style-name="wrap"' if "\n" in value else ""
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in value.split("\n"))
    return f'<table:table-cell{style} office:value-type="string">{lines}</table:table-cell>'


def soffice(work, *args):
    """Runs LibreOffice with a profile of its own."""
    profile = (work / "profile").absolute().as_uri()
    subprocess.run(["soffice", f"-env:UserInstallation={profile}", "--headless", *map(str, args)],
                   check=True, timeout=300, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})


def libreoffice(work, source, target, filter):
    """Saves source as target by LibreOffice's "Save as", with the export filter and its options."""
    out = work / "saved"
    soffice(work, "--convert-to", f"{Path(target).suffix[1:]}:{filter}", "--outdir", out, source)
    target.write_bytes((out / (Path(source).stem + target.suffix)).read_bytes())


def vim(work, text, target, *settings):
    """Saves text as target from Vim, with the given settings (ff=dos, bomb, fenc=…)."""
    typed = work / "typed"
    typed.write_text(text, encoding="utf-8", newline="")
    vim_open(typed, target, "utf-8", *settings)


def vim_open(source, target, encoding, *settings):
    subprocess.run(["vim", "-es", "-N", "-u", "NONE", "-i", "NONE", "--cmd", "set enc=utf-8",
                    "-c", f"e ++enc={encoding} ++ff=unix {source}", "-c", f"set {' '.join(settings)}",
                    "-c", f"w! {target}", "-c", "q!"], check=True, stdout=subprocess.DEVNULL)


def stamp(path):
    """Sets the time of every entry of a zip file to one fixed moment, in place, so that making it again changes nothing."""
    moment = bytes([0x00, 0x48, 0x74, 0x5D])  # 09:00:00 on 20 November 2026, as MS-DOS writes it
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entries, central = archive.infolist(), archive.start_dir
    for entry in entries:
        data[entry.header_offset + 10:entry.header_offset + 14] = moment
        data[central + 12:central + 16] = moment
        name, extra, comment = (int.from_bytes(data[central + i:central + i + 2], "little") for i in (28, 30, 32))
        central += 46 + name + extra + comment
    path.write_bytes(data)
