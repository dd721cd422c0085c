"""The schema names 30 others that are not beside it, so elements are compared with what it declares itself."""

from pathlib import Path

import pytest
from lxml import etree

from qlink_ld.demo.loq_xml import LOQ, render_loq_xml
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import read_teaching
from qlink_ld.demo.universities import BELAGORA

XS = "{http://www.w3.org/2001/XMLSchema}"
TEACHING = read_teaching(BELAGORA, load_catalogue(BELAGORA, "belagora", generated=16))


class Schema:
    """The sequences of elements of the schema's types."""

    def __init__(self, file: Path) -> None:
        root = etree.parse(file).getroot()
        self.types = {kind.get("name"): kind for kind in root.iterfind(f"{XS}complexType")}
        self.elements = {
            element.get("name"): element.get("type") for element in root.iter(f"{XS}element") if element.get("name")
        }

    def order(self, name: str | None) -> list[str]:
        """Return the elements of a type in their order, those of the type that it extends first."""
        kind = self.types.get(name)
        if kind is None:
            return []
        base = next((part.get("base") for part in kind.iter(f"{XS}extension")), None)
        own = [str(part.get("ref") or part.get("name")).partition(":") for part in kind.iter(f"{XS}element")]
        return [*self.order(base), *(after or before for before, _, after in own)]

    def find_errors(self, element: etree._Element) -> list[str]:
        name = etree.QName(element).localname
        children = [etree.QName(child).localname for child in element]
        order = self.order(self.elements.get(name))
        errors = [f"{name} has no {child}" for child in children if order and child not in order]
        places = [order.index(child) for child in children if child in order]
        if places != sorted(places):
            errors.append(f"{name}: {children} are not in the order of the schema")
        return errors + [error for child in element for error in self.find_errors(child)]


@pytest.fixture(scope="module")
def schema(shared: Path) -> Schema:
    return Schema(shared / "reference" / "elm" / "xsd-loq" / "loq.xsd")


def test_elements_are_those_of_the_schema_in_its_order(schema: Schema) -> None:
    document = render_loq_xml(TEACHING)
    assert "EQFLevel" in schema.order("QualificationType")
    assert schema.find_errors(document) == []


def test_the_schema_that_judges_finds_a_wrong_order_and_an_unknown_element(schema: Schema) -> None:
    document = render_loq_xml(TEACHING)
    qualification = next(document.iter(f"{{{LOQ}}}qualification"))
    qualification.append(qualification[0])
    etree.SubElement(qualification, f"{{{LOQ}}}price")
    errors = schema.find_errors(document)
    assert errors[0] == "qualification has no price"
    assert "not in the order" in errors[1]


def test_every_reference_leads_to_something_in_the_document() -> None:
    document = render_loq_xml(TEACHING)
    ids = {element.get("id") for element in document.iter() if element.get("id")}
    assert {element.get("idref") for element in document.iter() if element.get("idref")} <= ids
    assert len(ids) > 100
