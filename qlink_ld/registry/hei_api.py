"""What does the HEI API of the European University Foundation know? Institutions with countries, by SCHAC code.

Source: EUF HEI API, JSON:API 1.0; `/hei` is the index, `/country/{alpha-2}/hei` the institutions of a country.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from qlink_ld.registry.identifiers import SCHAC, read_domain
from qlink_ld.registry.reading import Reading
from qlink_ld.registry.record import Name, NameKind, Place, RegistryRecord
from qlink_ld.registry.values import read_country, read_language, read_text, read_website, tables

REGISTER: Final = "hei-api"


def read_resources(reading: Reading, data: object, position: str, countries: Mapping[str, str]) -> int:
    """Read the `data` of a JSON:API document into `reading`; what cannot be used is reported and left out.

    Args:
        reading: takes the records.
        data: the list of resource objects.
        position: where it comes from, for messages.
        countries: alpha-2 code by SCHAC code, as the lists of each country say it.

    Returns:
        How many resources there were.

    Raises:
        ValueError: it is no list.
    """
    if not isinstance(data, list):
        raise ValueError(f"{position} has no list `data` of institutions")  # noqa: TRY004 (of data, not of arguments)
    for number, item in enumerate(data, 1):
        place = f"{position}, item {number}"
        if not isinstance(item, dict):
            reading.leave_out(None, place, "is no object")
            continue
        says = item.get("attributes")
        says = says if isinstance(says, dict) else {}
        key = find_key(item)
        if key is None:
            reading.leave_out(says.get("hei_id") or item.get("id"), place, "has no SCHAC code as `hei_id` or `id`")
            continue
        names = tuple(dict.fromkeys(_read_names(says)))
        if not names:
            reading.leave_out(key, place, "has no name")
            continue
        reading.add(_read_institution(reading, says, key, names, place, countries.get(key)), place)
    return len(data)


def find_key(item: Mapping[str, Any]) -> str | None:
    """Return the SCHAC code of a resource; None if it has none."""
    says = item.get("attributes")
    stated = says.get("hei_id") if isinstance(says, dict) else None
    for value in (stated, item.get("id")):
        text = read_text(value)
        if text and (key := read_domain(text)):
            return key
    return None


def _read_institution(
    reading: Reading, says: Mapping[str, Any], key: str, names: tuple[Name, ...], position: str, country: str | None
) -> RegistryRecord:
    codes = [(entry.get("type"), entry.get("value")) for entry in _entries(says.get("other_id"))]
    identifiers = reading.read_identifiers(key, position, [(SCHAC, key), *codes])
    websites = [read_website(entry.get("uri") or entry.get("value")) for entry in _entries(says.get("website_url"))]
    address = next(iter([*_entries(says.get("street_address")), *_entries(says.get("mailing_address"))]), {})
    place = Place(
        read_country(country, says.get("country"), says.get("country_code"), address.get("country_code")),
        read_text(says.get("city")) or read_text(address.get("locality")),
    )
    return RegistryRecord(
        REGISTER,
        key,
        identifiers,
        names,
        website=next((website for website in websites if website), None),
        places=(place,) if place != Place() else (),
    )


def _read_names(says: Mapping[str, Any]) -> Iterator[Name]:
    kinds: tuple[tuple[str, NameKind], ...] = (("label", "preferred"), ("name", "legal"), ("abbreviation", "other"))
    for member, kind in kinds:
        for entry in _entries(says.get(member)):
            text = read_text(entry.get("string")) or read_text(entry.get("value"))
            if text:
                yield Name(text, read_language(entry.get("lang") or entry.get("language")), kind)


def _entries(value: object) -> list[dict[str, Any]]:
    """Return a member's values as objects: it is a text, an object, or a list of either."""
    values = value if isinstance(value, list) else [value]
    texts = [{"value": item} for item in values if isinstance(item, str)]
    return texts + tables(values)
