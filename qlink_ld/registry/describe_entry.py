"""Describes what registers know in RDF, as the profile wants it.

Only OrgReg and SCHAC codes are `adms:identifier`; the others are `dcterms:identifier` literals (`pic:999999999`). Who
has neither, and who is no higher education institution, is an `elm:Organisation` only. Source: profile 0.4.0, §1 and
§3; crosswalk DEQAR, EWP, EUF → HEI.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from qlink_ld.model import Alliance, Institution
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, LOCN, OWL, QL, RDF, ROV, SKOS, XSD, Iris
from qlink_ld.ntriples import sort_lines, write_literal
from qlink_ld.registry.describe import COUNTRY, describe_alliance, describe_institution, describe_partner
from qlink_ld.registry.identifiers import DEQARINST, FORMER_SCHAC, ORGREG, ROR, SCHAC, WIKIDATA
from qlink_ld.registry.known import Registry
from qlink_ld.registry.merge import Entry
from qlink_ld.registry.record import Place

_ORG: Final = "http://www.w3.org/ns/org#"
_SCHEMA: Final = "https://schema.org/"
_WKT: Final = "http://www.opengis.net/ont/geosparql#wktLiteral"
_HISTORY: Final = {"succeeded": f"{QL}succeeded", "absorbed": f"{QL}absorbed", "spun-off": f"{QL}spunOffFrom"}
_DATE_TYPES: Final = {4: f"{XSD}gYear", 7: f"{XSD}gYearMonth", 10: f"{XSD}date"}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._~-]")

NameEntry = Callable[[Entry], str]  # an entry → its IRI


def describe_known(
    registry: Registry,
    configured: Sequence[tuple[Institution, Entry | None]],
    alliances: Sequence[Alliance],
    iris: Iris,
) -> str:
    """Return the sorted N-Triples of the registry graph.

    Args:
        registry: all imported entries.
        configured: the institutions of the configuration, already with what the registers know, and their entries.
        alliances: those of the configuration.
        iris: of the deployment.
    """
    by_entry = {entry.id: institution for institution, entry in configured if entry is not None}
    groups = {alliance.id: alliance for alliance in alliances}

    def name(entry: Entry) -> str:
        if entry.id in by_entry:
            return iris.institution(by_entry[entry.id].id)
        return iris.alliance(entry.id) if entry.id in groups else iris.institution(entry.id)

    members = _members(registry)
    taken = {institution.id for institution, _ in configured} | {entry.id for entry in registry.entries}
    parts: list[str] = [describe_institution(institution, alliances, iris) for institution, _ in configured]
    parts += [describe_alliance(alliance, iris) for alliance in alliances]
    for entry in registry.entries:
        institution = by_entry.get(entry.id)
        if entry.id not in groups or institution is not None:
            parts += _describe(entry, name(entry), institution)
        parts += _relate(registry, entry, name)
        parts += _group(entry, name(entry), members.get(entry.id, ()), name, configured=entry.id in groups)
        parts += _aliases(entry, name(entry), iris, taken)
    parts += _partners(registry, alliances, iris, name, {institution.id for institution, _ in configured})
    return sort_lines("".join(parts))


def _line(subject: str, predicate: str, value: str) -> str:
    return f"<{subject}> <{predicate}> <{value}> .\n"


def _text(subject: str, predicate: str, text: str, language: str | None = None, datatype: str | None = None) -> str:
    return f"<{subject}> <{predicate}> {write_literal(text, language, datatype)} .\n"


def _describe(entry: Entry, node: str, institution: Institution | None) -> Iterator[str]:
    """What an entry says of itself; of a configured institution only what `describe_institution` does not."""
    yield _line(node, f"{RDF}type", f"{ELM}Organisation")
    if entry.is_institution:
        yield _line(node, f"{RDF}type", f"{QL}HigherEducationInstitution")
        yield from _official(entry, node, institution)
    yield from _other_codes(entry, node)
    yield from _names(entry, node, institution)
    if institution is None:
        for iri in entry.same_as:
            yield _line(node, f"{OWL}sameAs", iri)
        if entry.website:
            yield from _homepage(node, entry.website)
    for number, place in enumerate(entry.places):
        if number or institution is None or place.country in (None, institution.country):
            yield from _place(node, "registered" if number == 0 else f"place-{number + 1}", place)
    for name, value in (("foundingDate", _founded(entry)), ("dissolutionDate", entry.closed)):
        if value:
            yield _text(node, f"{_SCHEMA}{name}", value, datatype=_DATE_TYPES[len(value)])


def _names(entry: Entry, node: str, institution: Institution | None) -> Iterator[str]:
    """Legal names, one per language, and others; of a configured institution those that the operator has not."""
    legal = entry.legal_names
    if institution is None:
        for language, text in legal.items():
            yield _text(node, f"{ROV}legalName", text, language)
        yield _text(node, f"{SKOS}prefLabel", entry.name.text, entry.name.language)
    else:
        told = {institution.name.casefold(), *(text.casefold() for text in institution.names.values())}
        for language, text in (*legal.items(), (entry.name.language, entry.name.text)):
            if text.casefold() not in told:
                yield _text(node, f"{SKOS}altLabel", text, language)
    for other in entry.other_names:
        yield _text(node, f"{SKOS}altLabel", other.text, other.language)


def _founded(entry: Entry) -> str | None:
    return next((record.founded for record in entry.records if record.founded), None)


def _official(entry: Entry, node: str, institution: Institution | None) -> Iterator[str]:
    """OrgReg and SCHAC codes; the first of each may have been written by `describe_institution`."""
    told = set()
    if institution is not None:
        told = {institution.id.upper(), institution.id.lower(), (institution.schac or "").lower()}
    for scheme, fragment, kind in ((ORGREG, "orgReg", "OrgReg"), (SCHAC, "schac", "Schac")):
        for number, code in enumerate(entry.codes.get(scheme, ())):
            if code in told:
                continue
            plain = number == 0 and institution is None
            identifier = f"{node}#{fragment}" if plain else f"{node}#{fragment}-{_UNSAFE.sub('-', code)}"
            yield _line(node, f"{ADMS}identifier", identifier)
            yield _line(identifier, f"{RDF}type", f"{ELM}Identifier")
            yield _line(identifier, f"{RDF}type", f"{QL}{kind}Identifier")
            yield _line(identifier, f"{ELM}schemeId", f"{QL}{kind}")
            yield _text(identifier, f"{SKOS}notation", code)


def _other_codes(entry: Entry, node: str) -> Iterator[str]:
    yield _text(node, f"{DCTERMS}identifier", entry.id)
    for scheme, codes in entry.codes.items():
        for code in codes:
            if scheme == DEQARINST:
                yield _text(node, f"{DCTERMS}identifier", code)
            elif scheme not in (ORGREG, SCHAC, ROR, WIKIDATA) or (scheme != ORGREG and not entry.is_institution):
                yield _text(node, f"{DCTERMS}identifier", f"{scheme}:{code}")


def _homepage(node: str, website: str) -> Iterator[str]:
    page = f"{node}#homepage"
    yield _line(node, f"{FOAF}homepage", page)
    yield _line(page, f"{RDF}type", f"{ELM}WebResource")
    yield _text(page, f"{ELM}contentUrl", website, datatype=f"{XSD}anyURI")


def _place(node: str, fragment: str, place: Place) -> Iterator[str]:
    location = f"{node}#{fragment}"
    yield _line(node, f"{ELM}location", location)
    yield _line(location, f"{RDF}type", f"{DCTERMS}Location")
    if place.city:
        yield _text(location, f"{ELM}geographicName", place.city, "und")
    if place.latitude is not None and place.longitude is not None:
        point = f"POINT({place.longitude!r} {place.latitude!r})"
        yield _text(location, f"{LOCN}geometry", point, datatype=_WKT)
    if place.country:
        address = f"{location}-address"
        yield _line(location, f"{ELM}address", address)
        yield _line(address, f"{RDF}type", f"{ELM}Address")
        yield _line(address, f"{ELM}countryCode", COUNTRY + place.country)


def _relate(registry: Registry, entry: Entry, name: NameEntry) -> Iterator[str]:
    """Parts, groups and history, each in the direction in which the vocabulary has it."""
    for register, relation in entry.relations:
        other = registry.find_key(register, relation.other)
        if other is None or other is entry:
            continue
        subject, value = (other, entry) if relation.inverse else (entry, other)
        if relation.kind == "member":
            yield _line(name(subject), f"{QL}isMemberOf", name(value))
        elif relation.kind == "faculty":
            yield _line(name(subject), f"{_ORG}subOrganizationOf", name(value))
            yield _line(name(value), f"{_ORG}hasSubOrganization", name(subject))
        else:
            yield _line(name(subject), _HISTORY[relation.kind], name(value))


def _members(registry: Registry) -> Mapping[str, list[Entry]]:
    """Return the institutions that belong to each group, by the group's id."""
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in registry.entries:
        for register, relation in entry.relations:
            other = registry.find_key(register, relation.other)
            if relation.kind == "member" and other is not None and other is not entry:
                group, member = (entry, other) if relation.inverse else (other, entry)
                if member.is_institution:
                    found[group.id][member.id] = member
    return {group: [member for _, member in sorted(members.items())] for group, members in found.items()}


def _group(entry: Entry, node: str, members: Sequence[Entry], name: NameEntry, *, configured: bool) -> Iterator[str]:
    """Say that an entry is a group, if it has the two members that the profile wants."""
    if len(members) < 2 and not configured:
        return
    alliance = any("alliance" in (record.type or "").lower() for record in entry.records)
    kinds = (f"{ELM}Group", f"{QL}GroupOfHEIs", *((f"{QL}EuropeanUniversityAlliance",) if alliance else ()))
    yield from (_line(node, f"{RDF}type", kind) for kind in kinds if not configured)
    yield from (_line(node, f"{FOAF}member", name(member)) for member in members)


def _aliases(entry: Entry, node: str, iris: Iris, taken: Iterable[str]) -> Iterator[str]:
    """Our IRIs under former SCHAC codes, and under the codes of registers, are the same (C-12)."""
    for code in (*entry.codes.get(FORMER_SCHAC, ()), *entry.codes.get(SCHAC, ()), entry.id):
        alias = iris.institution(code)
        if alias != node and (code not in taken or code == entry.id):
            yield _line(node, f"{OWL}sameAs", alias)


def _partners(
    registry: Registry, alliances: Sequence[Alliance], iris: Iris, name: NameEntry, configured: set[str]
) -> Iterator[str]:
    """Members of configured alliances that are not configured: the registers know them, or their code does."""
    for member in sorted({member for alliance in alliances for member in alliance.members} - configured):
        entry = registry.find_name(member)
        if entry is None or name(entry) != iris.institution(member):
            yield describe_partner(member, iris)
        if entry is not None and name(entry) != iris.institution(member):
            yield _line(iris.institution(member), f"{OWL}sameAs", name(entry))
            for language, text in entry.legal_names.items():
                yield _text(iris.institution(member), f"{ROV}legalName", text, language)
        for alliance in alliances:
            if member in alliance.members:
                yield _line(iris.institution(member), f"{QL}isMemberOf", iris.alliance(alliance.id))
