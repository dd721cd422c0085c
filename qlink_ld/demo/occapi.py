"""One university's OCCAPI server, version 1 or 2: JSON:API documents that lead to each other by links.

Lists say less than single resources, as the specification has it. Only version 2 has instances, several languages and
subjects, learning outcomes as an option; only version 1 states a level for courses outside any programme.
Source: OCCAPI 1.0 and 2.0.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal
from urllib.parse import quote, unquote

import orjson

from qlink_ld.demo.courses import Item
from qlink_ld.demo.http_server import Answer
from qlink_ld.demo.teaching import MODIFIED, Offering, Opportunity, Teaching, Texts

MEDIA_TYPE: Final = "application/vnd.api+json"
_COURSE, _PROGRAMME = "05053c1cbe", "79343569f3"  # learning-opportunity vocabulary
_FULL_TIME: Final = "72a0ab92fa"  # learning-schedule vocabulary
_WRITTEN_EXAMINATION: Final = "6e6cb2cc78"  # assessment vocabulary
_LECTURE: Final = "ff436ea7c9"  # learning-activity vocabulary
_MODES: Final = {"hybrid": "e92d221e4d", "online": "920fbb3cbe", "distance-learning": "920fbb3cbe"}
_ON_SITE: Final = "9191af2ed9"
_HOURS_PER_POINT: Final = 8  # in class
_ONLY_IN_SINGLES: Final = ("prerequisites", "teachingMethod", "assessmentMethod", "courseContent")
_COLLECTIONS: Final = ("ounit", "programme", "course")
Kind = Literal["server", "hei", "ounit", "programme", "course", "instance"]


class OccapiServer:
    """An OCCAPI endpoint.

    Args:
        teaching: what it has to show. In version 2, all courses outside any programme count as electives of those of
            their level, because it has no other place for a level.
        version: 1 or 2. Version 1 has whole credits only, so it leaves out courses with half ones.

    Attributes:
        root: address of the server, to be set before it is asked; links are absolute.
        courses, programmes: JSON:API resources without links, by id. May be changed, as all of these.
        instances: those of each course, by its id.
        listed_only: ids of courses that lists have but that answer 404 themselves.
    """

    def __init__(self, teaching: Teaching, version: Literal[1, 2]) -> None:
        self.root = ""
        self.teaching = teaching
        self.version = version
        self.base_path = f"/occapi/v{version}"
        self.hei_id = teaching.university.schac
        shown = [it for it in teaching.courses if version == 2 or it.points == int(it.points)]
        self.programmes = {it.id: self._programme(it) for it in teaching.programmes}
        self.courses = {it.id: self._course(it) for it in shown}
        self.instances = {
            it.id: [self._instance(it, offering) for offering in it.offerings] if version == 2 else [] for it in shown
        }
        self.units = {unit.id: self._unit(unit.number) for unit in teaching.units}
        self.listed_only: set[str] = set()
        self.unit_of = {it.id: teaching.units[it.unit - 1].id for it in (*teaching.programmes, *shown)}

    @property
    def url(self) -> str:
        """Where the institution is."""
        return f"{self.root}{self.base_path}/hei/{self.hei_id}"

    # Requests --------------------------------------------------------------------------------------------------------

    def answer(self, path: str, _query: Mapping[str, str]) -> Answer:
        """Answer one GET request; `path` starts with `base_path`."""
        parts = [unquote(part) for part in path.split("/") if part]
        if parts[:2] != ["occapi", f"v{self.version}"]:
            return self._absent("Endpoint not available.")
        match parts[2:]:
            case []:
                return self._server()
            case ["hei"]:
                return self._list("/hei", "hei", [self._institution()])
            case ["hei", hei] if hei != self.hei_id:
                return self._absent("Resource not found.")
            case ["hei", _]:
                return self._single("hei", self._institution())
            case ["hei", self.hei_id, *rest]:
                return self._below(rest)
        return self._absent("Endpoint not available.")

    def _below(self, rest: Sequence[str]) -> Answer:
        collections: Mapping[str, Mapping[str, Item]] = {
            "ounit": self.units, "programme": self.programmes, "course": self.courses,
            "instance": {item["id"]: item for items in self.instances.values() for item in items},
        }  # fmt: skip
        place = "/".join(quote(part, safe="") for part in rest)
        match rest:
            case ["ounit" | "programme" | "course" as kind]:
                return self._list(place, kind, collections[kind].values())
            case ["ounit" | "programme" | "course" | "instance" as kind, key] if (
                kind != "instance" or self.version == 2
            ):
                found = collections[kind].get(key) if key not in self.listed_only else None
                return self._single(kind, found) if found else self._absent("Resource not found.")
            case ["ounit", key, "programme" | "course" as kind] if key in self.units:
                held = (item for item in collections[kind].values() if self.unit_of.get(item["id"]) == key)
                return self._list(place, kind, held)
            case ["programme", key, "course"] if key in self.programmes:
                held = (item for item in self.courses.values() if key in _programmes_of(item))
                return self._list(place, "course", held)
            case ["course", key, "instance"] if self.instances.get(key):
                return self._list(place, "instance", self.instances[key])
        return self._absent("Endpoint not available.")

    def _server(self) -> Answer:
        links = {"self": f"{self.root}{self.base_path}", "hei": f"{self.root}{self.base_path}/hei"}
        document: Item = {"meta": {}, "links": _links(links)}
        if self.version == 2:
            names = _strings({**self.teaching.university.names})
            document["data"] = {
                "type": "server", "id": self.teaching.id, "attributes": {"serverName": names}, "links": _links(links),
            }  # fmt: skip
        return self._document(document)

    def _list(self, place: str, kind: Kind, items: Iterable[Item]) -> Answer:
        where = f"{self.root}{self.base_path}/hei" if kind == "hei" else f"{self.url}/{place}"
        shown = []
        for item in items:
            attributes = {name: value for name, value in item["attributes"].items() if name not in _ONLY_IN_SINGLES}
            links = self._links_of(kind, item["id"])
            own = _links(links) if self.version == 2 else _links({"self": links["self"]})
            shown.append({**item, "attributes": attributes, "links": own})
        return self._document({"data": shown, "links": _links({"self": where})})

    def _single(self, kind: Kind, item: Item) -> Answer:
        links = self._links_of(kind, item["id"])
        outer, inner = (links, {"self": links["self"]}) if self.version == 1 else ({"self": links["self"]}, links)
        return self._document({"data": {**item, "links": _links(inner)}, "links": _links(outer)})

    def _links_of(self, kind: Kind, key: str) -> dict[str, str]:
        here = self.url if kind == "hei" else f"{self.url}/{kind}/{quote(key, safe='')}"
        below: Mapping[str, tuple[str, ...]] = {
            "hei": _COLLECTIONS,
            "ounit": ("programme", "course"),
            "programme": ("course",),
            "course": ("instance",) if self.instances.get(key) else (),
        }
        return {"self": here, **{name: f"{here}/{name}" for name in below.get(kind, ())}}

    def _document(self, content: Item, status: int = 200) -> Answer:
        number = f"1.{self.version - 1}"
        about = {"version": number, "meta": {"links": _links({"self": f"http://jsonapi.org/format/{number}/"})}}
        return Answer(orjson.dumps({"jsonapi": about, **content}), MEDIA_TYPE, status)

    def _absent(self, title: str) -> Answer:
        return self._document({"errors": [{"status": "404", "title": title}]}, 404)

    # Resources -------------------------------------------------------------------------------------------------------

    def _resource(self, kind: Kind, key: str, attributes: Item, **further: Item) -> Item:
        if self.version == 2:
            attributes["lastModified"] = MODIFIED
        return {"type": kind, "id": key, "attributes": attributes, **further}

    def _institution(self) -> Item:
        university = self.teaching.university
        attributes = {
            "title": _strings(university.names),
            "abbreviation": university.short_name,
            "heiId": self.hei_id,
            "url": [{"uri": university.website, "lang": university.languages[0]}],
        }
        return self._resource("hei", self.teaching.id if self.version == 1 else self.hei_id, attributes)

    def _unit(self, number: int) -> Item:
        unit = self.teaching.units[number - 1]
        attributes = {
            "title": _strings(unit.titles), "abbreviation": unit.short, "ounitId": unit.id, "ounitCode": unit.code,
        }  # fmt: skip
        return self._resource("ounit", unit.id, attributes)

    def _common(self, it: Opportunity) -> Item:
        new = self.version == 2
        return {
            "title": _strings(it.titles),
            "code": it.code,
            "description": _multilines(it.descriptions),
            "ects": it.points if new else int(it.points),
            "languageOfInstruction": [it.language] if new else it.language,
            "iscedCode": [it.isced] if new else it.isced,
            "url": [{"uri": it.link, "lang": it.language}],
        }

    def _programme(self, it: Opportunity) -> Item:
        years = max(1, int(it.points) // 60)
        attributes = {**self._common(it), "eqfLevelProvided": it.eqf, "length": years}
        if self.version == 2:
            attributes |= {
                "length": f"{2 * years}/2",
                "learningOutcomes": _multilines(_join(it.outcomes)),
                "elmLearningOpportunityType": [_PROGRAMME],
                "elmLearningScheduleType": _FULL_TIME,
                "elmModeOfLearning": [_MODES.get(it.mode, _ON_SITE)],
                "validSince": "2026-09-01",
            }
        return self._resource("programme", it.id, attributes)

    def _course(self, it: Opportunity) -> Item:
        terms = sorted({f"{offering.term or 1}/2" for offering in it.offerings})
        attributes = {
            **self._common(it),
            "learningOutcomes": _multilines(_join(it.outcomes)),
            "prerequisites": _multilines(it.requirements),
            "assessmentMethod": _multilines(it.assessment),
        }
        if self.version == 1:
            attributes |= {
                "academicTerm": terms[0] if len(terms) == 1 else "1/1",
                "unavailableForIncomingMobility": False,
            }
            places = [{"programmeId": key, "mandatoryCourse": True, "year": "1/3"} for key in it.programmes]
            meta: Item = {"programme": places} if places else {"global": {"eqfLevel": it.eqf, "year": "1/3"}}
            return self._resource("course", it.id, attributes, meta=meta)
        attributes |= {
            "academicTerm": terms,
            "elmLearningOpportunityType": [_COURSE],
            "elmModeOfLearning": [_MODES.get(it.mode, _ON_SITE)],
            "elmLearningActivityType": [_LECTURE],
            "elmAssessmentType": [_WRITTEN_EXAMINATION],
            "localClassification": [{"classificationSystem": "campus", "classificationValue": it.code[:3]}],
            "restrictedToLocalStudents": False,
            "deprecated": False,
        }
        electives = tuple(programme.id for programme in self.teaching.programmes if programme.level == it.level)
        places = [
            {"programmeId": key, "mandatoryCourse": bool(it.programmes), "year": "1/3" if it.programmes else "0/3"}
            for key in it.programmes or electives
        ]
        related = {"data": [{"type": "programme", "id": place["programmeId"]} for place in places]}
        relationships = {"relatedProgramme": related, "prerequisiteCourse": None}
        return self._resource(
            "course", it.id, attributes, meta={"relatedProgramme": places}, relationships=relationships
        )

    def _instance(self, it: Opportunity, offering: Offering) -> Item:
        attributes = {
            "startDate": offering.start,
            "endDate": offering.end,
            "academicTermId": f"2026/2027-{offering.term or 1}/2",
            "ects": it.points,
            "languageOfInstruction": [it.language],
            "elmModeOfLearning": [_MODES.get(it.mode, _ON_SITE)],
            "elmLearningActivityType": [_LECTURE],
            "elmAssessmentType": [_WRITTEN_EXAMINATION],
            "engagementHours": it.points * _HOURS_PER_POINT,
        }
        course = {"course": {"data": {"type": "course", "id": it.id}}}
        return self._resource("instance", offering.id, attributes, relationships=course)


def _programmes_of(course: Item) -> list[str]:
    meta = course.get("meta", {})
    return [place["programmeId"] for place in meta.get("programme", meta.get("relatedProgramme", ()))]


def _join(outcomes: Sequence[Texts]) -> Texts:
    """Return all learning outcomes as one text in each language."""
    return {language: "\n".join(texts[language] for texts in outcomes) for language in outcomes[0]}


def _strings(texts: Texts) -> list[Item]:
    return [{"string": text, "lang": language} for language, text in texts.items()]


def _multilines(texts: Texts) -> list[Item]:
    return [{"multiline": text, "lang": language} for language, text in texts.items()]


def _links(links: Mapping[str, str]) -> Item:
    return {name: {"href": href} for name, href in links.items()}
