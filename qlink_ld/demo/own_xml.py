"""Makes the answer of a university's own SOAP service: that of the worked example `mappings/example-xml/`.

Courses (ue) are in departments; attributes, two namespaces that share a name, texts with markup, French numbers and
dates.
"""

from datetime import date
from typing import Final

from lxml import etree
from lxml.builder import ElementMaker

from qlink_ld.demo.teaching import Offering, Opportunity, Teaching, Texts

VALMONT_XML: Final = "https://services.univ-valmont.example/catalogue"  # namespace
_DC: Final = "http://purl.org/dc/elements/1.1/"
_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_C = ElementMaker(namespace=VALMONT_XML, nsmap={None: VALMONT_XML, "dc": _DC})
_D = ElementMaker(namespace=_DC)
_S = ElementMaker(namespace=_SOAP, nsmap={"soap": _SOAP})
_YEARS: Final = {"bachelor": ("L1", "L2", "L3"), "master": ("M1", "M2"), "doctoral": ("D",)}
_LANGUAGES: Final = {"fr": "Français", "en": "Anglais"}
_MONTHS: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
Element = etree._Element  # noqa: SLF001 (lxml has no other name for the type)


def render_own_xml(teaching: Teaching) -> Element:
    """Return all courses by department."""
    departments = (
        _C.departement(
            *(_course(it) for it in teaching.courses if it.unit == unit.number), code=unit.code, nom=unit.titles["fr"]
        )
        for unit in teaching.units
    )
    return _S.Envelope(_S.Body(_C.catalogue(*departments, annee="2026-2027")))


def _course(it: Opportunity) -> Element:
    years = _YEARS[it.level]
    return _C.ue(
        _C.title(f"{it.code} {next(iter(it.titles.values()))}"),
        *(_D.title(text, {_LANGUAGE: language}) for language, text in it.titles.items()),
        _C.credits(f"{it.points:g}".replace(".", ","), systeme="ECTS"),
        _C.domaine(it.isced),
        _C.langue(_LANGUAGES[it.language]),
        *(_C.description({_LANGUAGE: language}, _C.p(text)) for language, text in it.descriptions.items()),
        *(_C.acquis(*_versions("acquisition", texts)) for texts in it.outcomes),
        *_versions("prerequis", it.requirements),
        _C.lien(it.link),
        _C.enseignant("A. Exemple"),
        *map(_session, it.offerings),
        code=it.code,
        niveau=years[it.number % len(years)],
        etat="ouverte",
    )


def _session(offering: Offering) -> Element:
    start, end = date.fromisoformat(offering.start), date.fromisoformat(offering.end)
    return _C.session(
        _C.debut(f"{start.day} {_MONTHS[start.month - 1]} {start.year}"),
        _C.fin(f"{end:%d/%m/%Y}"),
        _C.places(str(offering.capacity)),
        id=offering.code,
    )


def _versions(name: str, texts: Texts) -> list[Element]:
    return [_C(name, text, {_LANGUAGE: language}) for language, text in texts.items()]
