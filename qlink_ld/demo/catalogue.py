"""What a university has to show: a hand-written catalogue, or a generated one of any size.

Both answer the same questions with OOAPI 5.0 objects; only the objects of the asked page are ever made of a generated
one, so that memory stays flat whatever its size. For servers that speak another format, `teaching` reads them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol, overload

from qlink_ld.demo.courses import (
    COURSE,
    MAXIMUM_OFFERINGS,
    OFFERING,
    ORGANIZATION,
    SESSIONS,
    CourseGenerator,
    Item,
    generate_offerings,
    make_id,
    parse_id,
)
from qlink_ld.demo.universities import University

ID_FIELDS: Final = {  # collection → the field that is its key
    "courses": "courseId",
    "programs": "programId",
    "offerings": "offeringId",
    "organizations": "organizationId",
    "academic-sessions": "academicSessionId",
    "education-specifications": "educationSpecificationId",
}
OFFERINGS_PER_COURSE: Final = 2  # of a generated catalogue


class Catalogue(Protocol):
    """The data behind one OOAPI server."""

    def list_items(self, collection: str) -> Sequence[Item] | None:
        """Return all items of a collection; None if there is no such collection."""

    def find_item(self, collection: str, identifier: str) -> Item | None:
        """Return one item; None if there is none of this id."""

    def list_children(
        self, collection: str, identifier: str, child: str, since: date, until: date | None
    ) -> Sequence[Item] | None:
        """Return the offerings or courses of an item; None if it has no such list. Dates select offerings."""


class LazyItems(Sequence[Item]):
    """A list whose items are made when they are asked for."""

    def __init__(self, count: int, make: Callable[[int], Item]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        return (self._make(number) for number in range(self._count))

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self._make(number) for number in range(*index.indices(self._count))]
        return self._make(range(self._count)[index])


def make_organizations(university: University, generator: CourseGenerator) -> list[Item]:
    """Return the root organisation and its faculties."""
    faculties = generator.faculties()
    root: Item = {
        "organizationId": make_id(generator.owner, ORGANIZATION, 0),
        "primaryCode": {"codeType": "organizationId", "code": university.short_name},
        "organizationType": "root",
        "name": [{"language": language, "value": name} for language, name in university.names.items()],
        "shortName": university.short_name,
        "addresses": [make_address(university, "visit")],
        "link": university.website,
        "logo": f"{university.website}/logo.svg",
        "otherCodes": [
            {"codeType": "schacHome", "code": university.schac},
            {"codeType": "x-orgreg", "code": university.id},
        ],
        "children": [faculty["organizationId"] for faculty in faculties],
    }
    return [root, *faculties]


def make_address(university: University, kind: str) -> Item:
    """Return the campus as an OOAPI 5.0 `Address` of this kind (`visit` or `teaching`)."""
    return {
        "addressType": kind,
        "street": university.street,
        "streetNumber": "1",
        "postalCode": university.postal_code,
        "city": university.city,
        "countryCode": university.country_alpha2,
    }


class StoredCatalogue:
    """A catalogue whose items are all at hand.

    Args:
        collections: the items of each.
        children: offerings and courses, by collection, id of the item, and name of the list.
        id_fields: collection → the field that is its key.
    """

    def __init__(
        self,
        collections: dict[str, list[Item]],
        children: dict[tuple[str, str, str], list[Item]],
        id_fields: Mapping[str, str] = ID_FIELDS,
    ) -> None:
        self.collections = collections
        self.children = children
        self._by_id = {
            collection: {str(item[id_fields[collection]]): item for item in items}
            for collection, items in collections.items()
        }
        for (_, _, child), items in children.items():
            if _is_offerings(child):
                self._by_id.setdefault(child, {}).update({str(item[id_fields[child]]): item for item in items})

    def list_items(self, collection: str) -> Sequence[Item] | None:
        """Return all items of a collection; None if there is no such collection."""
        return self.collections.get(collection)

    def find_item(self, collection: str, identifier: str) -> Item | None:
        """Return one item; None if there is none of this id."""
        return self._by_id.get(collection, {}).get(identifier)

    def list_children(
        self, collection: str, identifier: str, child: str, since: date, until: date | None
    ) -> Sequence[Item] | None:
        """Return the offerings or courses of an item; None if it has no such list."""
        if collection in ("organizations", "academic-sessions"):
            if child != "offerings" or self.find_item(collection, identifier) is None:
                return None
            everything = self._by_id.get("offerings", {}).values()
            return _select(self._belonging(everything, collection, identifier), since, until)
        items = self.children.get((collection, identifier, child))
        return _select(items, since, until) if items is not None and _is_offerings(child) else items

    def _belonging(self, offerings: Iterable[Item], collection: str, identifier: str) -> Iterable[Item]:
        if collection == "academic-sessions":
            return (item for item in offerings if item.get("academicSession") == identifier)
        organization = self._by_id[collection][identifier]
        units = {identifier, *organization.get("children", ())}
        return (item for item in offerings if item.get("organization") in units)


def _is_offerings(child: str) -> bool:
    return child.endswith("offerings")


def _select(offerings: Iterable[Item], since: date, until: date | None) -> list[Item]:
    """Return the offerings that start on or after `since` and end on or before `until`.

    Those of OOAPI 5.0 have dates, those of OEAPI 6.0 have date-times.
    """
    first, last = since.isoformat(), until.isoformat() if until else "9999"
    return [
        item
        for item in offerings
        if (item.get("startDate") or item["startDateTime"]) >= first
        and (item.get("endDate") or item["endDateTime"])[:10] <= last
    ]


class GeneratedCatalogue:
    """`count` generated courses with two offerings each; nothing is kept in memory."""

    def __init__(self, university: University, generator: CourseGenerator, count: int) -> None:
        self.generator = generator
        self.count = count
        self._small: dict[str, list[Item]] = {
            "organizations": make_organizations(university, generator),
            "academic-sessions": generator.sessions(),
            "programs": [],
            "education-specifications": [],
        }

    def list_items(self, collection: str) -> Sequence[Item] | None:
        """Return all items of a collection; None if there is no such collection."""
        if collection == "courses":
            return LazyItems(self.count, self.generator.course)
        return self._small.get(collection)

    def find_item(self, collection: str, identifier: str) -> Item | None:
        """Return one item; None if there is none of this id."""
        if collection in ("courses", "offerings"):
            kind, per_course = (COURSE, 1) if collection == "courses" else (OFFERING, MAXIMUM_OFFERINGS)
            parsed = parse_id(identifier)
            if parsed is None or parsed[:2] != (self.generator.owner, kind):
                return None
            number, position = divmod(parsed[2], per_course)
            if number >= self.count or position >= OFFERINGS_PER_COURSE:
                return None
            course = self.generator.course(number)
            return course if collection == "courses" else generate_offerings(course, position + 1)[position]
        key = ID_FIELDS.get(collection, "")
        return next((item for item in self._small.get(collection, ()) if item[key] == identifier), None)

    def list_children(
        self, collection: str, identifier: str, child: str, since: date, until: date | None
    ) -> Sequence[Item] | None:
        """Return the offerings of a course, of the root organisation or of a session; None for anything else."""
        item = self.find_item(collection, identifier)
        if item is None or child != "offerings":
            return None
        if collection == "courses":
            return _select(generate_offerings(item, OFFERINGS_PER_COURSE), since, until)
        if collection == "organizations" and item["organizationType"] == "root":
            return self._all_offerings(range(OFFERINGS_PER_COURSE), since, until)
        if collection == "academic-sessions":
            return self._all_offerings([self._small[collection].index(item)], since, until)
        return None

    def _all_offerings(self, positions: Iterable[int], since: date, until: date | None) -> LazyItems:
        """Return the offerings at these positions of every course; a position is a session, so dates select those."""
        first, last = since.isoformat(), until.isoformat() if until else "9999"
        wanted = [p for p in positions if SESSIONS[p][1] >= first and SESSIONS[p][2] <= last]

        def make(number: int) -> Any:  # noqa: ANN401 (an Item; typed so for LazyItems)
            course, position = divmod(number, len(wanted))
            return generate_offerings(self.generator.course(course), OFFERINGS_PER_COURSE)[wanted[position]]

        return LazyItems(self.count * len(wanted), make)
