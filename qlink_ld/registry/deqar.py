"""What does DEQAR know? Its list of education providers, as the Connect API gives it.

Source: DEQAR Connect API, `/connectapi/v1/providers/`. Answers have `results`, `count` and `next`, which is a truth
value, not an address.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from qlink_ld.registry.identifiers import CHARTER, DEQARINST, ERASMUS, FORMER_SCHAC, ORGREG, PIC, ROR, SCHAC, WIKIDATA
from qlink_ld.registry.reading import Reading
from qlink_ld.registry.record import UNDETERMINED, Name, Place, RegistryRecord, Relation, RelationKind
from qlink_ld.registry.values import (
    read_code_text,
    read_country,
    read_date,
    read_degrees,
    read_language,
    read_text,
    read_website,
    tables,
)

REGISTER: Final = "deqar"
_GLOBAL: Final = (CHARTER, DEQARINST, ERASMUS, FORMER_SCHAC, ORGREG, PIC, ROR, SCHAC, WIKIDATA)
_GROUPS: Final = ("consort", "alliance", "network", "association", "joint")
_HISTORY: Final[tuple[tuple[str, RelationKind], ...]] = (
    ("succe", "succeeded"),
    ("absorb", "absorbed"),
    ("merged into", "absorbed"),
    ("spun", "spun-off"),
)


def read_providers(reading: Reading, results: object, position: str, today: str) -> int:
    """Read one page's `results` into `reading`; what cannot be used is reported and left out.

    Args:
        reading: takes the records.
        results: the list of providers.
        position: where it comes from, for messages.
        today: ISO date; relations and places that ended before are left out.

    Returns:
        How many entries there were.

    Raises:
        ValueError: it is no list.
    """
    if not isinstance(results, list):
        raise ValueError(f"{position} has no list `results` of providers")  # noqa: TRY004 (of data, not of arguments)
    for number, item in enumerate(results, 1):
        place = f"{position}, item {number}"
        if not isinstance(item, dict):
            reading.leave_out(None, place, "is no object")
            continue
        key = read_code_text(item.get("id"))
        if key is None or not key.isascii() or not key.isdecimal():
            reading.leave_out(item.get("deqar_id") or item.get("name_primary"), place, "has no number `id`")
            continue
        names = _read_names(item, today)
        if not names:
            reading.leave_out(item.get("deqar_id") or key, place, "has no name")
            continue
        reading.add(_read_provider(reading, item, key, names, place, today), place)
    return len(results)


def _read_provider(
    reading: Reading, item: Mapping[str, Any], key: str, names: tuple[Name, ...], position: str, today: str
) -> RegistryRecord:
    kind = item.get("organization_type")
    closed = read_date(item.get("closure_date"))
    return RegistryRecord(
        REGISTER,
        key,
        reading.read_identifiers(key, position, _stated_identifiers(item)),
        names,
        other_provider=item.get("is_other_provider") is True,
        type=read_text(kind.get("type") if isinstance(kind, dict) else kind),
        website=_read_website(reading, item, key, position),
        places=tuple(_read_places(item, today)),
        founded=read_date(item.get("founding_date")),
        closed=closed if closed and closed <= today else None,
        relations=tuple(dict.fromkeys(_read_relations(item, today))),
    )


def _stated_identifiers(item: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    yield DEQARINST, item.get("deqar_id")
    yield ORGREG, item.get("eter_id")
    for entry in tables(item.get("identifiers")):
        resource, agency = read_text(entry.get("resource")), entry.get("agency")
        agency = read_text(agency.get("acronym_primary") if isinstance(agency, dict) else agency)
        # Codes that quality assurance agencies give mean something only together with the agency.
        local = agency is not None and (resource is None or "local" in resource.lower())
        yield (f"local {agency}" if local else resource), entry.get("identifier")


def _read_website(reading: Reading, item: Mapping[str, Any], key: str, position: str) -> str | None:
    stated = read_text(item.get("website_link"))
    website = read_website(stated)
    if stated and website is None:
        reading.note(key, position, f"its website '{stated}' is no http(s) address; it is left out", stated)
    return website


def _read_names(item: Mapping[str, Any], today: str) -> tuple[Name, ...]:
    """Current official names are legal names; the English one is the only one whose language is known."""
    out: list[Name] = []
    english = None
    entries = tables(item.get("names"))
    historic = [bool(end := read_date(entry.get("name_valid_to"))) and str(end) <= today for entry in entries]
    for old, entry in sorted(zip(historic, entries, strict=True), key=lambda pair: pair[0]):
        official = read_text(entry.get("name_official"))
        translated = read_text(entry.get("name_english"))
        if old:
            out += _others(official)
            out += [Name(translated, "en", "other")] if translated else []
        else:
            english = english or translated
            if official and official != translated:
                out.append(Name(official))
            if translated:
                out.append(Name(translated, "en"))
        out += _others(entry.get("name_official_transliterated"), entry.get("acronym"))
        versions = entry.get("name_versions")
        for version in versions if isinstance(versions, list) else []:
            if isinstance(version, dict):
                language = read_language(version.get("language"))
                out += _others(version.get("name"), language=language)
                out += _others(version.get("transliteration"))
            else:
                out += _others(version)
    if primary := read_text(item.get("name_primary")):
        out.insert(0, Name(primary, "en" if primary == english else UNDETERMINED, "preferred"))
    return tuple(dict.fromkeys(out))


def _others(*values: object, language: str = UNDETERMINED) -> list[Name]:
    return [Name(text, language, "other") for value in values if (text := read_text(value))]


def _read_places(item: Mapping[str, Any], today: str) -> Iterator[Place]:
    for entry in tables(item.get("locations")):
        end = read_date(entry.get("country_valid_to"))
        if end and end <= today:
            continue
        country = entry.get("country")
        code = (
            read_country(country.get("iso_3166_alpha3"), country.get("iso_3166_alpha2"))
            if isinstance(country, dict)
            else read_country(country)
        )
        latitude, longitude = read_degrees(entry.get("lat"), 90), read_degrees(entry.get("long"), 180)
        known = latitude is not None and longitude is not None
        place = Place(code, read_text(entry.get("city")), latitude if known else None, longitude if known else None)
        if place != Place():
            yield place


def _read_relations(item: Mapping[str, Any], today: str) -> Iterator[Relation]:
    for name in ("part_of", "includes", "historical_relationships"):
        for entry in tables(item.get(name)):
            other = entry.get("institution")
            key = read_code_text(other.get("id") if isinstance(other, dict) else other)
            end = read_date(entry.get("valid_to"))
            if key is None or not key.isdecimal():
                continue
            words = entry.get("relationship_type")
            text = (read_text(words.get("type") if isinstance(words, dict) else words) or "").lower()
            history = next((kind for sign, kind in _HISTORY if sign in text), None)
            if history is not None:
                passive = text.endswith(" by") or "merged into" in text  # "was succeeded by"
                yield Relation(history, key, inverse=passive)
            elif name == "historical_relationships" or (end and end <= today):
                continue
            elif any(sign in text for sign in _GROUPS):
                yield Relation("member", key, inverse=name == "includes")
            elif "facult" in text:
                yield Relation("faculty", key, inverse=name == "includes")
