"""Makes the answer of U-GOV Didattica, the administration system of dozens of Italian universities, as a SOAP envelope.

Activities (af) are below the programme (cds) of their level. U-GOV has no subject field in ISCED-F. Source: exports of
its web service "Programmazione Didattica".
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from lxml import etree
from lxml.builder import ElementMaker

from qlink_ld.demo.teaching import Opportunity, Teaching

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
U_GOV: Final = "http://ws.di.u-gov.cineca.it/"
_S = ElementMaker(namespace=_SOAP, nsmap={"soap": _SOAP})
_U = ElementMaker(namespace=U_GOV, nsmap={"ns2": U_GOV})
_PLAIN = ElementMaker()
_KINDS: Final = {
    "bachelor": ("L", "Laurea"),
    "master": ("LM", "Laurea Magistrale"),
    "doctoral": ("D1", "Dottorato di Ricerca"),
}
_TERMS: Final = ("Primo Semestre", "Secondo Semestre")
_TEXTS: Final = {  # kind of text → its name
    "CONTENUTI": "Programma e contenuti",
    "OBIETT_FORM": "Obiettivi formativi e risultati di apprendimento",
    "PREREQ": "Prerequisiti",
    "MOD_VER_APPR": "Modalità verifica apprendimento",
}
_HOURS_PER_POINT, _HOURS_IN_CLASS = 25, 8
_FIRST_ID: Final = 410_000
Element = etree._Element  # noqa: SLF001 (lxml has no other name for the type)


def render_u_gov(teaching: Teaching) -> Element:
    """Return all programmes with their activities; an activity outside any programme is in the first of its level."""
    first = {it.level: it.id for it in reversed(teaching.programmes)}
    held: dict[str, list[Opportunity]] = {it.id: [] for it in teaching.programmes}
    for course in teaching.courses:
        held[next(iter(course.programmes), first[course.level])].append(course)
    programmes = (_programme(teaching, it, held[it.id]) for it in teaching.programmes)
    root = _PLAIN.ProgdidRoot(*programmes, codIstatAte="99", idSpedizione="1")
    return _S.Envelope(_S.Body(_U.ProgrammazioneDidatticaResponse(root)))


def _fields(**values: str) -> list[Element]:
    return [_U(name, value) for name, value in values.items()]


def _programme(teaching: Teaching, it: Opportunity, courses: Sequence[Opportunity]) -> Element:
    kind, name = _KINDS[it.level]
    return _U.cds(
        *_fields(aaOffId="2026", cdsCod=it.code, tipoCorsoCod=kind, tipoCorsoDes=name),
        *(
            _U.ciclo(
                *_fields(
                    cicloDes=_TERMS[term.number - 1],
                    tipoCicloCod=f"S{term.number}",
                    desTipoCiclo=_TERMS[term.number - 1],
                    dataInizio=_date(term.start),
                    dataFine=_date(term.end),
                )
            )
            for term in teaching.terms
        ),
        _U.regdid(
            *_fields(
                cdsordCod=f"{it.code}-26",
                nomeCds=it.titles["it"].upper(),
                regdidCod=f"{it.code}-2627",
                aaRegdidId="2026",
                regdidDes="REG. 2026",
            ),
            _U.pds(*_fields(pdsCod="00", pdsDes="PERCORSO COMUNE"), *map(_activity, courses)),
        ),
    )


def _activity(it: Opportunity) -> Element:
    term = it.offerings[0].term or 1
    identifier = str(_FIRST_ID + it.number)
    in_class = f"{it.points * _HOURS_IN_CLASS:.1f}"
    texts = {
        "CONTENUTI": it.descriptions,
        "OBIETT_FORM": {
            language: "\n".join(versions[language] for versions in it.outcomes) for language in it.outcomes[0]
        },
        "PREREQ": it.requirements,
        "MOD_VER_APPR": it.assessment,
    }
    names = {"afGenDes": it.titles.get("it", ""), "afGenDesEng": it.titles.get("en", "")}
    code = {"it": "ita", "en": "eng"}[it.language]
    return _U.af(
        *_fields(afId=identifier, afPdrId="0", afRadiceId=identifier, afGenCod=it.code),
        *_fields(**{name: title.upper() for name, title in names.items() if title}),
        *_fields(
            annoCorso=str(1 + it.number % 2),
            tipoAfCod="B",
            settCod="ING-IND/08",
            peso=f"{it.points:.1f}",
            umPesoCod="C",
            oreFrontAf=in_class,
            oreLezione=in_class,
            oreStuInd=f"{it.points * (_HOURS_PER_POINT - _HOURS_IN_CLASS):.1f}",
            tipoInsCod="OBB",
            tipoEsaCod="O",
            tipoValCod="V",
            cicloDes=_TERMS[term - 1],
            tipoCicloCod=f"S{term}",
            desTipoCiclo=_TERMS[term - 1],
            dtMod="20-08-2026 00:00:00",
        ),
        _U.linDid(_U.linDidAf(*_fields(linDidCod=code, linDidDes="Italiano" if code == "ita" else "Inglese"))),
        _U.modDid(_U.modDidAf(*_fields(modDidCod="C", modDidDes="Convenzionale"))),
        _U.testi(
            *(
                _U.testo(
                    *_fields(
                        tipoTestoCod=kind,
                        tipoTestoEtic=_TEXTS[kind],
                        linguaCod={"it": "ita", "en": "eng"}[language],
                        contenuto=text,
                    )
                )
                for kind, versions in texts.items()
                for language, text in versions.items()
            )
        ),
    )


def _date(text: str) -> str:
    return f"{date.fromisoformat(text):%d-%m-%Y}"
