"""Makes a document in the Commission's XML form of LOQ, as national databases send it to Europass.

Everything in it is a qualification: the XML form has no place for the EQF level of anything else. Courses are partial
ones. The order of elements is that of the schema. Source: loq.xsd 3.1.0.
"""

from collections.abc import Iterable
from typing import Final

from lxml import etree
from lxml.builder import ElementMaker

from qlink_ld.demo.teaching import MODIFIED, Offering, Opportunity, Teaching, Texts
from qlink_ld.namespaces import SKOS

LOQ: Final = "http://data.europa.eu/snb/model/ap/loq-constraints/"
_SNB: Final = "http://data.europa.eu/snb"
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority"
_LANGUAGES: Final = {"en": "ENG", "sl": "SLV"}
_COURSE, _PROGRAMME = "05053c1cbe", "79343569f3"  # learning-opportunity vocabulary
_MODES: Final = {"on campus": "9191af2ed9", "situated": "9191af2ed9", "hybrid": "c_3a90b26d"}
_ONLINE: Final = "920fbb3cbe"
_ECTS: Final = "6fcec5c5af"  # education-credit vocabulary
_NAMESPACES: Final = {None: LOQ, "skos": SKOS}
E = ElementMaker(namespace=LOQ, nsmap=_NAMESPACES)
_SKOS_E = ElementMaker(namespace=SKOS, nsmap=_NAMESPACES)
Element = etree._Element  # noqa: SLF001 (lxml has no other name for the type)


def render_loq_xml(teaching: Teaching) -> Element:
    """Return all courses and programmes, with the description of the university."""
    everything = (*teaching.programmes, *teaching.courses)
    outcomes = {it.id: [_outcome(it, number, texts) for number, texts in enumerate(it.outcomes)] for it in everything}
    return E.Courses(
        E.learningOpportunityReferences(
            *(_opportunity(teaching, it, offering) for it in everything for offering in it.offerings)
        ),
        E.learningAchievementSpecificationReferences(*(_specification(teaching, it) for it in everything)),
        E.learningOutcomeReferences(*(outcome for it in everything for outcome in outcomes[it.id])),
        E.agentReferences(_organisation(teaching)),
        E.locationReferences(_location(teaching)),
        xsdVersion="3.1.0",
    )


def _opportunity(teaching: Teaching, it: Opportunity, offering: Offering) -> Element:
    term = teaching.terms[(offering.term or 1) - 1]
    return E.learningOpportunity(
        _identifier(offering.code),
        *_texts("title", it.titles),
        _concept("type", _kind(it)),
        _web_page("homepage", it.link),
        E.temporal(
            *(_SKOS_E.prefLabel(text, language=language) for language, text in term.titles.items()),
            E.startDate(f"{offering.start}T00:00:00Z"),
            E.endDate(f"{offering.end}T23:59:59Z"),
        ),
        _concept("mode", f"{_SNB}/learning-assessment/{_MODES.get(it.mode, _ONLINE)}"),
        E.applicationDeadline(f"{offering.enrol_end}T23:59:59Z"),
        _reference("providedBy", teaching.university.organisation_iri),
        _reference("location", f"{teaching.university.website}/#campus"),
        _reference("learningAchievementSpecification", it.link),
        _language("defaultLanguage", it.language),
        id=f"{it.link}/{offering.code}",
    )


def _specification(teaching: Teaching, it: Opportunity) -> Element:
    parts = teaching.parts_of(it) if it.kind == "programme" else ()
    wholes = [programme for programme in teaching.programmes if programme.id in it.programmes]
    return E.qualification(
        _identifier(it.code),
        *_texts("title", it.titles),
        *_texts("description", it.descriptions),
        _web_page("homepage", it.link),
        E.modified(MODIFIED),
        _reference("publisher", teaching.university.organisation_iri),
        _concept("type", _kind(it)),
        _concept("ISCEDFCode", f"{_SNB}/isced-f/{it.isced}"),
        E.volumeOfLearning(f"PT{25 * it.points:g}H".replace(".5H", "H30M")),
        E.creditPoint(_concept("framework", f"{_SNB}/education-credit/{_ECTS}"), E.point(f"{it.points:g}")),
        _language("language", it.language),
        _concept("mode", f"{_SNB}/learning-assessment/{_MODES.get(it.mode, _ONLINE)}"),
        *(_reference("learningOutcome", _outcome_iri(it, number)) for number in range(len(it.outcomes))),
        *(_reference("hasPart", part.link) for part in parts),
        *(_reference("isPartOf", whole.link) for whole in wholes),
        E.isPartialQualification("true" if it.kind == "course" else "false"),
        _concept("EQFLevel", f"{_SNB}/eqf/{it.eqf}"),
        id=it.link,
    )


def _kind(it: Opportunity) -> str:
    return f"{_SNB}/learning-opportunity/{_COURSE if it.kind == 'course' else _PROGRAMME}"


def _outcome_iri(it: Opportunity, number: int) -> str:
    return f"{it.link}#outcome-{number + 1}"


def _outcome(it: Opportunity, number: int, texts: Texts) -> Element:
    return E.learningOutcome(*_texts("title", texts), id=_outcome_iri(it, number))


def _organisation(teaching: Teaching) -> Element:
    university = teaching.university
    return E.organisation(
        *_texts("legalName", university.names),
        _identifier(university.schac, "SCHAC"),
        _web_page("homepage", f"{university.website}/"),
        _reference("location", f"{university.website}/#campus"),
        id=university.organisation_iri,
    )


def _location(teaching: Teaching) -> Element:
    university = teaching.university
    return E.location(
        E.geographicName(university.city, language=university.languages[0]),
        E.address(_concept("countryCode", f"{_AUTHORITY}/country/{university.country}")),
        id=f"{university.website}/#campus",
    )


def _identifier(code: str, scheme: str = "course code") -> Element:
    return E.identifier(_SKOS_E.notation(code), E.schemeName(scheme))


def _web_page(name: str, url: str) -> Element:
    return E(name, E.contentUrl(url))


def _language(name: str, language: str) -> Element:
    return _concept(name, f"{_AUTHORITY}/language/{_LANGUAGES[language]}")


def _concept(name: str, iri: str) -> Element:
    return E(name, uri=iri)


def _reference(name: str, iri: str) -> Element:
    return E(name, idref=iri)


def _texts(name: str, texts: Texts) -> Iterable[Element]:
    return (E(name, text, language=language) for language, text in texts.items())
