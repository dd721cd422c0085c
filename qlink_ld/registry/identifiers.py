"""Under which codes do registers know an institution? Schemes, and codes in one form, so that they can be compared.

Source: QualityLink Data Source Discovery, requirements D-09, C-01, C-12; formats of DEQAR, EWP and the HEI API.
"""

import re
from typing import Final

import idna

SCHAC: Final = "schac"
FORMER_SCHAC: Final = "previous-schac"  # the name that EWP gives it
ORGREG: Final = "orgreg"  # the same as ETER
DEQARINST: Final = "deqarinst"
ROR: Final = "ror"
PIC: Final = "pic"
ERASMUS: Final = "erasmus"
CHARTER: Final = "erasmus-charter"  # who has one holds an ECHE
WIKIDATA: Final = "wikidata"

DEQAR_IRI: Final = "https://data.deqar.eu/institution/"
ROR_IRI: Final = "https://ror.org/"
WIKIDATA_IRI: Final = "http://www.wikidata.org/entity/"

_SCHEMES: Final = {  # as registers write them, without case and signs
    "schac": SCHAC,
    "schachome": SCHAC,
    "schachomeorganization": SCHAC,
    "previousschac": FORMER_SCHAC,
    "eter": ORGREG,
    "eterid": ORGREG,
    "orgreg": ORGREG,
    "orgregid": ORGREG,
    "deqarinst": DEQARINST,
    "deqarinstid": DEQARINST,
    "ror": ROR,
    "rorid": ROR,
    "pic": PIC,
    "eupic": PIC,
    "erasmus": ERASMUS,
    "erasmuscode": ERASMUS,
    "erasmuscharter": CHARTER,
    "euc": CHARTER,  # deprecated by EWP
    "wikidata": WIKIDATA,
}
_FORMS: Final = {
    ORGREG: re.compile(r"(INT|[A-Z]{2})[0-9]{4}"),  # profile 0.4.0, ql:OrgRegIdentifier
    DEQARINST: re.compile(r"DEQARINST[0-9]+"),
    ROR: re.compile(r"0[a-z0-9]{6}[0-9]{2}"),
    PIC: re.compile(r"[0-9]{9}"),
    WIKIDATA: re.compile(r"Q[1-9][0-9]*"),
}
_ADDRESSES: Final = re.compile(r"(?i)^(?:https?://)?(?:www\.)?(?:ror\.org/|wikidata\.org/(?:wiki|entity)/)")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SIGNS: Final = re.compile(r"[^a-z0-9]+")


def name_scheme(text: str) -> str:
    """Return the scheme that a register means; its own name for it, in lower case, if it is none that we compare."""
    return _SCHEMES.get(_SIGNS.sub("", text.lower()), " ".join(text.lower().split()))


def read_code(scheme: str, text: str) -> str | None:
    """Return a code in the form in which it can be compared; None if it cannot be one of its scheme.

    >>> read_code(ROR, "https://ror.org/006HF6230"), read_code(ERASMUS, " nl  enschede01"), read_code(PIC, "12")
    ('006hf6230', 'NL ENSCHEDE01', None)
    """
    code = " ".join(text.split())
    if scheme in (SCHAC, FORMER_SCHAC):
        return read_domain(code)
    if scheme in (ROR, WIKIDATA):
        code = _ADDRESSES.sub("", code).rstrip("/")
        code = code.lower() if scheme == ROR else code.upper()
    elif scheme in (ORGREG, DEQARINST, ERASMUS):
        code = code.upper()
    form = _FORMS.get(scheme)
    return code if code and (form is None or form.fullmatch(code)) else None


def read_domain(text: str) -> str | None:
    """Return a SCHAC code: a domain in lower case and A-labels; None if it is none."""
    host = text.strip().rstrip(".").lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            return None
    labels = host.split(".")
    return host if len(host) < 254 and len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) else None
