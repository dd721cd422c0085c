"""What does a page about a course say? Values for templates, from its description; nothing is escaped here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyoxigraph import Literal, Store

from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, QL, RDF, SKOS
from qlink_ld.serve.describe import Description, find_labels
from qlink_ld.serve.languages import order_by_language, pick_text


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its BCP 47 tag (empty: unknown)."""

    value: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A thing with its IRI and a name for people."""

    iri: str
    label: Text


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One time that a course is given."""

    iri: str
    title: Text | None
    period: Text | None
    start: str | None  # date, ISO 8601
    end: str | None
    deadlines: list[str]
    modes: list[Link]
    languages: list[Link]
    schedules: list[Link]
    places: list[str]
    providers: list[Link]
    prices: list[str]
    numbers: list[tuple[str, str]]
    how_to_apply: list[Text]
    homepages: list[str]
    registration: str | None
    notes: list[list[Text]]


@dataclass(frozen=True, slots=True)
class CourseView:
    """A learning opportunity specification for people."""

    iri: str
    titles: list[Text]  # the reader's first
    descriptions: list[Text]
    providers: list[Link]
    credits: list[str]
    levels: list[Link]
    fields: list[Link]
    languages: list[Link]
    types: list[Link]
    outcomes: list[list[Text]]  # per outcome: its versions, the reader's first
    outcome_summary: list[Text]
    requirements: list[Text]
    assessments: list[list[Text]]
    workload: str | None
    identifiers: list[tuple[str, str]]  # scheme, code
    homepages: list[str]
    notes: list[list[Text]]
    instances: list[InstanceView] = field(default_factory=list)


class Labels:
    """Names of concepts and institutions in the reader's language, each looked up once."""

    def __init__(self, store: Store, languages: Sequence[str]) -> None:
        self.store = store
        self.languages = languages
        self._known: dict[str, Text] = {}

    def text(self, iri: str) -> Text:
        """Return the name of a thing; without one, the last part of its IRI."""
        if iri not in self._known:
            label = pick_text(find_labels(self.store, iri), self.languages)
            fallback = iri.rstrip("/#").rpartition("#")[2].rpartition("/")[2] or iri
            self._known[iri] = Text(label.value, label.language or "") if label else Text(fallback)
        return self._known[iri]

    def links(self, iris: list[str]) -> list[Link]:
        """Return things with their names, each once."""
        return [Link(iri, self.text(iri)) for iri in dict.fromkeys(iris)]


def _texts(literals: list[Literal], languages: Sequence[str]) -> list[Text]:
    return [Text(value.value, value.language or "") for value in order_by_language(literals, languages)]


def _first(literals: list[Literal]) -> str | None:
    return literals[0].value if literals else None


def _day(value: str | None) -> str | None:
    """Return the date of an xsd:dateTime, with the time only if it says something."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    plain = (moment.hour, moment.minute) in ((0, 0), (23, 59))
    return moment.date().isoformat() if plain else moment.strftime("%Y-%m-%d %H:%M")


def _notes(data: Description, node: str, predicate: str, languages: Sequence[str]) -> list[list[Text]]:
    """Return each note (or plain text) of a node in all its languages."""
    notes = [_texts(data.literals(note, f"{ELM}noteLiteral"), languages) for note in data.iris(node, predicate)]
    if plain := data.literals(node, predicate):
        notes.append(_texts(plain, languages))
    return [note for note in notes if note]


def _homepages(data: Description, node: str) -> list[str]:
    pages = [value.value for value in data.literals(node, f"{FOAF}homepage", f"{ELM}contentUrl")]
    pages += [value.value for value in data.literals(node, f"{FOAF}homepage")]
    return list(dict.fromkeys(pages))


def _flat(notes: list[list[Text]]) -> list[Text]:
    return [text for note in notes for text in note]


def view_course(data: Description, labels: Labels, default_providers: Sequence[str] = ()) -> CourseView:
    """Read a specification's description for people.

    Args:
        data: the description.
        labels: names in the reader's language.
        default_providers: IRIs of the institutions that run the sources; they offer it if it names no publisher
            (QualityLink profile, `dcterms:publisher`).
    """
    iri, languages = data.iri, labels.languages
    outcomes = [
        _texts(data.literals(outcome, f"{DCTERMS}title"), languages)
        for outcome in sorted(data.iris(iri, f"{ELM}learningOutcome"), key=_natural_key)
    ]
    instances = [view_instance(data, instance, labels) for instance in data.iris(iri, f"{ELM}learningOpportunity")]
    return CourseView(
        iri=iri,
        titles=_texts(data.literals(iri, f"{DCTERMS}title"), languages),
        descriptions=_texts(data.literals(iri, f"{DCTERMS}description"), languages),
        providers=labels.links(
            data.iris(iri, f"{DCTERMS}publisher") or data.iris(iri, f"{ELM}providedBy") or list(default_providers)
        ),
        credits=_credits(data, iri, labels),
        levels=labels.links(data.iris(iri, f"{ELM}EQFLevel") + data.iris(iri, f"{ELM}NQFLevel")),
        fields=labels.links(data.iris(iri, f"{ELM}ISCEDFCode")),
        languages=labels.links(data.iris(iri, f"{DCTERMS}language")),
        types=labels.links(data.iris(iri, f"{DCTERMS}type")),
        outcomes=[outcome for outcome in outcomes if outcome],
        outcome_summary=_flat(_notes(data, iri, f"{ELM}learningOutcomeSummary", languages)),
        requirements=_flat(_notes(data, iri, f"{ELM}entryRequirement", languages)),
        assessments=[
            _texts(data.literals(node, f"{DCTERMS}description") or data.literals(node, f"{DCTERMS}title"), languages)
            for node in data.iris(iri, f"{ELM}provenBy")
        ],
        workload=_first(data.literals(iri, f"{ELM}volumeOfLearning")),
        identifiers=_identifiers(data, iri),
        homepages=_homepages(data, iri),
        notes=_notes(data, iri, f"{ELM}additionalNote", languages),
        instances=sorted(instances, key=lambda view: (view.start or "9999", view.iri)),
    )


def _natural_key(iri: str) -> str:
    """Order `#learningOutcome/2` before `#learningOutcome/10`."""
    return re.sub(r"[0-9]+", lambda match: match[0].zfill(12), iri)


def _credits(data: Description, iri: str, labels: Labels) -> list[str]:
    found = []
    for node in data.iris(iri, f"{ELM}creditPoint"):
        points = _first(data.literals(node, f"{ELM}point"))
        if points is None:
            continue
        framework = data.iris(node, f"{ELM}framework")
        name = labels.text(framework[0]).value if framework else ""
        found.append(f"{_number(points)} {_short_framework(name)}".strip())
    return found


def _short_framework(name: str) -> str:
    """`European Credit Transfer System` is known as ECTS."""
    return "ECTS" if "credit transfer" in name.lower() and "vocational" not in name.lower() else name


def _number(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text.lower() else text


def _identifiers(data: Description, iri: str) -> list[tuple[str, str]]:
    found = []
    for node in data.iris(iri, f"{ADMS}identifier"):
        code = _first(data.literals(node, f"{SKOS}notation"))
        if code:
            scheme = _first(data.literals(node, f"{ELM}schemeName"))
            found.append((scheme or "", code))
    return sorted(found)


def view_instance(data: Description, iri: str, labels: Labels) -> InstanceView:
    """Read an instance's description for people."""
    languages = labels.languages
    title = pick_text(data.literals(iri, f"{DCTERMS}title"), languages)
    period = pick_text(data.literals(iri, f"{DCTERMS}temporal", f"{SKOS}prefLabel"), languages)
    return InstanceView(
        iri=iri,
        title=Text(title.value, title.language or "") if title else None,
        period=Text(period.value, period.language or "") if period else None,
        start=_day(_first(data.literals(iri, f"{DCTERMS}temporal", f"{ELM}startDate"))),
        end=_day(_first(data.literals(iri, f"{DCTERMS}temporal", f"{ELM}endDate"))),
        deadlines=sorted(_day(v.value) or "" for v in data.literals(iri, f"{ELM}applicationDeadline")),
        modes=labels.links(data.iris(iri, f"{ELM}mode")),
        languages=labels.links(data.iris(iri, f"{ELM}defaultLanguage")),
        schedules=labels.links(data.iris(iri, f"{ELM}learningSchedule")),
        places=[_place(data, place, labels) for place in data.iris(iri, f"{ELM}location")],
        providers=labels.links(data.iris(iri, f"{ELM}providedBy")),
        prices=[_price(data, price, labels) for price in data.iris(iri, f"{ELM}priceDetail")],
        numbers=[
            (name, value.value)
            for name, term in (
                ("Places", "enrolmentCapacity"),
                ("Enrolled", "enrolledLearnerCount"),
                ("Minimum", "enrolmentMinimum"),
            )
            for value in data.literals(iri, f"{QL}{term}")[:1]
        ],
        how_to_apply=_flat(_notes(data, iri, f"{ELM}admissionProcedure", languages)),
        homepages=_homepages(data, iri),
        registration=_first(data.literals(iri, f"{QL}registrationPortal")),
        notes=_notes(data, iri, f"{ELM}additionalNote", languages)
        + _notes(data, iri, f"{ELM}scheduleInformation", languages),
    )


def _place(data: Description, place: str, labels: Labels) -> str:
    name = pick_text(data.literals(place, f"{ELM}geographicName"), labels.languages)
    address = pick_text(
        data.literals(place, f"{ELM}address", f"{ELM}fullAddress", f"{ELM}noteLiteral"), labels.languages
    )
    country = data.iris(place, f"{ELM}address", f"{ELM}countryCode")
    parts = [name.value if name else "", address.value if address else ""]
    parts += [labels.text(iri).value for iri in country[:1]]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _price(data: Description, price: str, labels: Labels) -> str:
    amount = _first(data.literals(price, f"{ELM}amount", f"{RDF}value"))
    unit = data.iris(price, f"{ELM}amount", f"{ELM}unit")
    name = pick_text(data.literals(price, f"{SKOS}prefLabel"), labels.languages)
    text = pick_text(data.literals(price, f"{DCTERMS}description"), labels.languages)
    money = f"{amount} {unit[0].rpartition('/')[2]}" if amount and unit else amount or (text.value if text else "")
    return f"{name.value}: {money}" if name and money else money or (name.value if name else "")
