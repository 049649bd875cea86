"""An invented accounts payable desk: suppliers, invoices and the reasons for which clerks deny them.

Every name, number and reason here is made up; a likeness to a real company is chance.
"""

import csv
import datetime
import random
import uuid
from dataclasses import dataclass

SUPPLIERS = [
    "Sahyadri Carton Works Pvt Ltd", "Kaverikere Polymers Ltd", "Nilgiri Valley Tea Traders", "Dhauladhar Freight LLP",
    "Chandragad Fasteners & Co.", "Ostfeld Wälzlager GmbH", "Grünhagen & Söhne Werkzeugbau", "Nordmole Spedition GmbH",
    "Têxtil Serra d'Ouro Ltda", "Gonçalves & Irmãos Transportes Ltda", "Padaria Três Moinhos Lda", "Quinta do Cedro Vinhos SA",
    "Harrowgate Stationers Ltd", "Blue Kestrel IT Services", "Marsh & Tillet Catering", "सह्याद्री प्रिंटर्स",
]
LATIN1_SUPPLIERS = SUPPLIERS[:-1]
BRAZILIAN_SUPPLIERS = ["Têxtil Serra d'Ouro Ltda", "Gonçalves & Irmãos Transportes Ltda", "Embalagens Rio Manso Ltda",
                       "Gráfica Pau-d'Alho ME", "Construções Água Fria SA"]

ENGLISH = [
    "Goods not received against PO {po}",
    "Price differs from PO {po}: billed {amount:,.2f}, agreed {less:,.2f}",
    "Duplicate of invoice {other}",
    "No purchase order quoted",
    "Quantity billed is higher than on GRN {grn}",
    "GST rate should be 12 %, not 18 %",
    "Billed to the wrong legal entity, please reissue to the Pune plant",
    "PO {po} is closed",
    "Goods returned under RMA {grn}, credit note awaited",
    "Wrong GSTIN of buyer on the invoice",
    "Service not rendered in the billed period",
    "Freight is included in PO {po} and must not be charged again",
]
GERMAN = [
    "Ware zu Bestellung {po} nicht eingegangen",
    "Preis weicht von Bestellung {po} ab, vereinbart waren {less_de} €",
    "Doppelte Rechnung, bereits als {other} erfasst",
    "Lieferung beschädigt, Rücksendung unter {grn}",
    "Falscher Empfänger: bitte auf die Niederlassung Köln, Große Straße 4 ausstellen",
]
PORTUGUESE = [
    "Mercadoria não recebida, pedido {po}",
    "Preço divergente do pedido {po}",
    "Nota fiscal em duplicidade com {other}",
    "Serviço não prestado no período faturado",
    "CNPJ do tomador incorreto; solicitar correção",
    "Devolução parcial: aguardando nota de crédito {grn}",
    "Quantidade superior à recebida, conferência nº {grn}",
]
HINDI = [
    "पीओ {po} के विरुद्ध माल प्राप्त नहीं हुआ",
    "दर पीओ {po} से मेल नहीं खाती",
    "बिल {other} की नकल है",
    "माल क्षतिग्रस्त, वापसी {grn}",
]
EVERY_LANGUAGE = ENGLISH + GERMAN + PORTUGUESE + HINDI
WESTERN = ENGLISH + GERMAN + PORTUGUESE


@dataclass
class Invoice:
    """One invoice on the desk, with the reason for which it is to be denied."""

    doc: str
    supplier: str
    number: str
    date: datetime.date
    amount: float
    reason: str


class Desk:
    """Hands out invoices, always the same ones for the same seed, and remembers their state at upstream."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.upstream = []  # (docId, status, comment)

    def document(self):
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def invoice(self, status="200", reasons=ENGLISH, suppliers=SUPPLIERS, old=""):
        """An invoice that stands at status; "" is one that upstream has never heard of."""
        rng = self.rng
        amount = round(rng.lognormvariate(10.2, 1.1), 2)
        made = Invoice(
            doc=self.document(),
            supplier=rng.choice(suppliers),
            number=self.number(),
            date=datetime.date(2026, 9, 1) + datetime.timedelta(days=rng.randrange(78)),
            amount=amount,
            reason=self.reason(reasons, amount),
        )
        if status:
            self.upstream.append((made.doc, status, old or self.old_comment(status)))
        return made

    def state(self, doc):
        return next((status for known, status, _ in self.upstream if known == doc), "")

    def number(self):
        return f"{self.rng.choice(['INV', 'RE', 'FT', 'SI'])}-26-{self.rng.randrange(1000, 99999):05d}"

    def reason(self, reasons, amount):
        less = round(amount * self.rng.uniform(0.7, 0.97), 2)
        german = f"{less:,.2f}".translate(str.maketrans(",.", ".,"))
        return self.rng.choice(reasons).format(
            po=4500120000 + self.rng.randrange(9999), grn=5000310000 + self.rng.randrange(9999),
            other=self.number(), amount=amount, less=less, less_de=german)

    def old_comment(self, status):
        return self.rng.choice(["Denied in October run", "Not ours", "Duplicate invoice"]) if status == "220" else ""

    def save(self, path):
        with open(path, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["docId", "status", "comment"])
            out.writerows(self.upstream)
