"""XML becomes JSON that a mapping folder can name."""

from pathlib import Path
from typing import Any

import pytest

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.reading import Located, ReadDocument
from qlink_ld.mapping.xml_document import MAX_DEPTH, XmlOptions, read_root_name, read_xml


def read(document: str | bytes, **options: Any) -> ReadDocument:
    body = document if isinstance(document, bytes) else document.encode()
    return read_xml(body, XmlOptions(**options), url="https://uni.example/courses.xml")


def value(document: str | bytes, **options: Any) -> Any:
    found = read(document, **options)
    assert not found.notes
    return found.value


def codes(found: ReadDocument) -> list[str]:
    return [note.code for note in found.notes]


# Elements, attributes, texts ---------------------------------------------------------------------------------------


def test_elements_are_members_and_repeated_ones_lists() -> None:
    text = "<courses><course><code>A</code><code>B</code></course><year>2025</year></courses>"
    assert value(text) == {"course": {"code": ["A", "B"]}, "year": "2025"}


def test_named_elements_are_lists_even_if_there_is_one() -> None:
    assert value("<a><course><code>A</code></course></a>", lists=["course"]) == {"course": [{"code": "A"}]}


def test_an_attribute_is_a_member_and_the_text_beside_it_is_the_value() -> None:
    titles = '<title xml:lang="it">Analisi</title><title language="en">Analysis</title>'
    text = f'<a>{titles}<credits unit="CFU">6</credits></a>'
    assert value(text) == {
        "title": [{"lang": "it", "value": "Analisi"}, {"language": "en", "value": "Analysis"}],
        "credits": {"unit": "CFU", "value": "6"},
    }


def test_the_member_of_texts_and_the_prefix_of_attributes_can_be_chosen() -> None:
    text = '<a><credits unit="CFU">6</credits></a>'
    assert value(text, text="text", attribute_prefix="a-") == {"credits": {"a-unit": "CFU", "text": "6"}}


def test_an_attribute_loses_nothing_to_a_child_or_text_of_its_name() -> None:
    text = '<a code="1"><code>2</code><_code>3</_code><grade value="30">trenta</grade></a>'
    assert value(text) == {"__code": "1", "code": "2", "_code": "3", "grade": {"_value": "30", "value": "trenta"}}


def test_nil_is_null_and_an_empty_element_an_empty_text() -> None:
    text = '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><b xsi:nil="true"/><c/><d x="1"/></a>'
    assert value(text) == {"b": None, "c": "", "d": {"x": "1"}}


def test_where_the_schema_is_says_nothing_of_the_data() -> None:
    text = '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u v" xsi:type="x"><b>1</b></a>'
    assert value(text) == {"type": "x", "b": "1"}


def test_comments_and_instructions_are_not_there_and_cdata_is_text() -> None:
    text = "<a><!-- x --><b>one<!-- y --> two<?z?></b><c><![CDATA[x < y & z]]></c></a>"
    assert value(text) == {"b": "one two", "c": "x < y & z"}


@pytest.mark.parametrize(
    ("mode", "expected"), [("trim", "one\n   two"), ("collapse", "one two"), ("keep", "\n one\n   two ")]
)
def test_white_space_is_treated_as_wanted(mode: str, expected: str) -> None:
    assert value("<a><b>\n one\n   two </b></a>", whitespace=mode) == {"b": expected}


def test_blank_lines_end_paragraphs_where_that_is_wanted() -> None:
    text = "<a><b>\n one\n   two\n\n \n three </b></a>"
    assert value(text, whitespace="paragraphs") == {"b": "one two\n\nthree"}


def test_preserved_space_is_kept() -> None:
    assert value('<a><b xml:space="preserve"> x </b></a>') == {"b": " x "}


def test_an_unknown_way_to_treat_white_space_is_told() -> None:
    with pytest.raises(ValueError, match="'whitespace' is 'squeeze'; allowed: trim, collapse, paragraphs, keep"):
        XmlOptions(whitespace="squeeze")


def test_objects_know_their_line() -> None:
    found = value("<a>\n <b><c>1</c></b>\n <b><c>2</c></b></a>")["b"]
    assert [entry.line for entry in found if isinstance(entry, Located)] == [2, 3]


def test_a_document_of_one_text_is_that_text() -> None:
    assert value("<answer> none </answer>") == "none"


# Namespaces --------------------------------------------------------------------------------------------------------


def test_names_are_local_names() -> None:
    text = '<n:a xmlns:n="urn:n" xmlns="urn:m"><n:b n:c="1"><d>2</d></n:b></n:a>'
    assert value(text) == {"b": {"c": "1", "d": "2"}}


def test_a_declared_prefix_keeps_two_namespaces_apart() -> None:
    text = '<a xmlns:x="urn:x"><type>1</type><x:type>2</x:type></a>'
    assert value(text, prefixes={"dc": "urn:x"}) == {"type": "1", "dc_type": "2"}


def test_two_namespaces_with_one_name_are_told() -> None:
    found = read('<a xmlns:x="urn:x">\n<type>1</type>\n<x:type>2</x:type></a>')
    assert found.value == {"type": ["1", "2"]}
    assert [(note.code, note.line) for note in found.notes] == [("namespaces-share-name", 3)]


# Markup in texts ---------------------------------------------------------------------------------------------------

_MIXED = """<a><d>Read <b>this</b>:<ul><li>one</li>
    <li>two<br/>lines</li></ul> &amp; more</d></a>"""


def test_mixed_content_is_plain_text_with_lines_where_blocks_end() -> None:
    assert value(_MIXED) == {"d": "Read this:\n- one\n- two\nlines\n& more"}


def test_mixed_content_keeps_its_markup_where_that_is_wanted() -> None:
    kept = value(_MIXED, markup=True)["d"]
    assert kept == "Read <b>this</b>:<ul><li>one</li>\n    <li>two<br/>lines</li></ul> &amp; more"


def test_xhtml_is_text_even_without_text_between_its_elements() -> None:
    text = '<a xmlns:h="http://www.w3.org/1999/xhtml"><d lang="en"><h:p>One.</h:p><h:p>Two.</h:p></d></a>'
    assert value(text) == {"d": {"lang": "en", "value": "One.\nTwo."}}
    assert value(text, markup=True) == {"d": {"lang": "en", "value": "<p>One.</p><p>Two.</p>"}}


def test_elements_that_are_named_as_texts_are_texts() -> None:
    text = "<a><d><p>One.</p><p>Two.</p></d></a>"
    assert value(text, texts=["d"]) == {"d": "One.\nTwo."}


# SOAP --------------------------------------------------------------------------------------------------------------

_SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><t>x</t></s:Header><s:Body>{}</s:Body></s:Envelope>'


def test_of_a_soap_envelope_its_content_is_read() -> None:
    body = _SOAP.format('<r:getResponse xmlns:r="urn:r"><course>1</course></r:getResponse>')
    assert value(body) == {"course": "1"}
    assert read_root_name(body.encode()) == "{urn:r}getResponse"


def test_a_soap_body_of_several_elements_is_read_whole() -> None:
    assert value(_SOAP.format("<a>1</a><b>2</b>")) == {"a": "1", "b": "2"}


def test_a_soap_fault_is_an_error_with_its_reason() -> None:
    fault = "<s:Fault><faultcode>s:Client</faultcode>\n<faultstring>No such year</faultstring></s:Fault>"
    with pytest.raises(UnreadableData, match=r"courses.xml line 1: .* SOAP fault: s:Client No such year. Ask"):
        read(_SOAP.format(fault))


def test_a_fault_of_soap_1_2_is_an_error_too() -> None:
    text = (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault>'
        "<e:Reason><e:Text>Busy</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"
    )
    with pytest.raises(UnreadableData, match="SOAP fault: Busy"):
        read(text)


def test_an_envelope_without_a_body_is_told() -> None:
    with pytest.raises(UnreadableData, match="without a body"):
        read('<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"/>')


# What strangers send -----------------------------------------------------------------------------------------------


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for entity in ('"x"', f'SYSTEM "{secret.as_uri()}"'):
        with pytest.raises(UnreadableData, match="its DTD declares entities"):
            read(f"<!DOCTYPE a [<!ENTITY e {entity}>]><a>&e;</a>")


def test_a_bomb_of_entities_is_refused() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
    with pytest.raises(UnreadableData):
        read(f'<!DOCTYPE a [<!ENTITY e0 "ha">{levels}]><a x="&e11;">&e11;</a>')


def test_a_dtd_elsewhere_is_not_read(tmp_path: Path) -> None:
    dtd = tmp_path / "a.dtd"
    dtd.write_text('<!ELEMENT a ANY><!ATTLIST a secret CDATA "secret">')
    assert value(f'<!DOCTYPE a SYSTEM "{dtd.as_uri()}"><a><b>1</b></a>') == {"b": "1"}


def test_an_entity_of_a_dtd_that_is_not_read_stays_as_it_is_written_and_is_told() -> None:
    found = read('<!DOCTYPE a SYSTEM "https://uni.example/a.dtd"><a>\n<b>1 &uni; 2</b></a>')
    assert found.value == {"b": "1 &uni; 2"}
    assert [(note.code, note.line) for note in found.notes] == [("document-repaired", 2)]


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 300, 100_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    with pytest.raises(UnreadableData, match=r"nested deeper than 100|[Dd]epth"):
        read("<a>" * levels + "</a>" * levels)


def test_deep_markup_is_text_all_the_same() -> None:
    assert value("<a>x" + "<b>" * 200 + "y" + "</b>" * 200 + "</a>") == "xy"


def test_a_prefix_that_is_declared_nowhere_is_told() -> None:
    with pytest.raises(UnreadableData, match="Namespace prefix u on b is not defined, line 2"):
        read("<a>\n<u:b/></a>")


def test_what_is_no_xml_is_told_with_its_place() -> None:
    with pytest.raises(UnreadableData, match=r"courses.xml: not XML that can be read: .*line 2"):
        read("<a>\n<b></a>")
    with pytest.raises(UnreadableData, match="it is empty"):
        read("")


def test_a_web_page_is_told() -> None:
    with pytest.raises(UnreadableData, match="this is a web page"):
        read("<!DOCTYPE html><html><head><title>Login</title></head><body/></html>")


# Encodings and slips -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-2", "windows-1252", "utf-16-be"])
def test_the_declared_encoding_counts(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><a><b>é</b></a>'
    assert value(text.encode(encoding)) == {"b": "é"}
    assert read_root_name(text.encode(encoding)) == "a"


def test_the_mapping_knows_the_encoding_better() -> None:
    body = '<?xml version="1.0" encoding="utf-8"?><a><b>Łódź</b></a>'.encode("windows-1250")
    assert value(body, encoding="windows-1250") == {"b": "Łódź"}


def test_a_wrong_declaration_is_repaired_and_told() -> None:
    found = read('<?xml version="1.0" encoding="UTF-8"?><a>\n<b>Économie générale et société</b></a>'.encode("cp1252"))
    assert found.value == {"b": "Économie générale et société"}
    assert codes(found) == ["encoding-guessed", "document-repaired"]
    assert found.notes[0].line == 2


@pytest.mark.parametrize(
    ("slip", "meant", "said"),
    [
        ("Ricerca&nbsp;e sviluppo", "Ricerca\u00a0e sviluppo", "only HTML knows"),
        ("R&D; B & C", "R&D; B & C", "ampersands"),
        ("vertical\x0btab", "vertical\ufffdtab", "does not allow"),
        ("form&#12;feed", "form\ufffdfeed", "does not allow"),
    ],
)
def test_a_slip_is_repaired_and_told(slip: str, meant: str, said: str) -> None:
    found = read(f"<a><b>{slip}</b><c><![CDATA[&nbsp; & <x>]]></c><d>&lt;&#65;&#x42;&gt;</d></a>")
    assert found.value == {"b": meant, "c": "&nbsp; & <x>", "d": "<AB>"}
    assert codes(found) == ["document-repaired"]
    assert said in found.notes[0].message


def test_an_unknown_encoding_is_told() -> None:
    with pytest.raises(UnreadableData, match="'latin-99' is not the name of an encoding"):
        read("<a/>", encoding="latin-99")


def test_the_root_of_what_is_no_xml_has_no_name() -> None:
    for body in (b"", b'{"a": 1}', b"a,b\n1,2\n", b"@prefix a: <b> .", b"   <"):
        assert read_root_name(body) is None
