"""Whatever is damaged in a document, its reader reads it or says in plain words that it cannot."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import Account, load_mapping
from qlink_ld.mapping.graph_document import write_json_ld
from qlink_ld.mapping.table_document import TableOptions, read_table
from qlink_ld.mapping.xml_document import XmlOptions, read_root_name, read_xml

_CASES = Path(__file__).parents[1] / "mappings"
_XML = [_CASES / f"{name}/input.xml" for name in ("loq-xml-3/university", "example-xml/soap-answer", "u-gov/texts")]
_TABLES = [
    'Código;Título;ECTS\nA;"x;y";7,5\nB;"q ""w"" e";6\n'.encode(),
    b"a,b\n1,2\n",
    "a\tb\n1\té\n".encode("utf-16"),
]
_PIECES = (
    *(b"<", b">", b"&", b'"', b"]]>", b"<!--", b"<![CDATA[", b"&nbsp;", b"&#0;", b"\n", b";", b"\x00", b"\xff"),
    *(b' xsi:nil="true"', b"<!DOCTYPE a [<!ENTITY e 'x'>]>", b"<soap:Fault/>", b' id="x y"', b' language="??"'),
)


def damage(body: bytes, chance: random.Random) -> bytes:
    """Change some bytes, cut some out, put pieces in, repeat parts."""
    out = bytearray(body)
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(out) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            out[place : place + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del out[place : place + chance.randint(1, 40)]
        elif kind == 2:
            out[place:place] = chance.choice(_PIECES)
        else:
            out[place:place] = out[chance.randrange(len(out) + 1) :][:60]
    return bytes(out)


def check(read: Callable[[], object]) -> bool:
    """Whether it is read; nothing but a refusal is allowed besides."""
    try:
        read()
    except UnreadableData as error:
        told = str(error)
    else:
        return True
    assert "uni.example/file" in told
    return False


@pytest.mark.parametrize("seed", range(60))
def test_damaged_xml_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    body = damage(chance.choice(_XML).read_bytes()[:5000], chance)
    options = XmlOptions(markup=chance.random() < 0.5, whitespace=chance.choice(["trim", "paragraphs", "keep"]))
    check(lambda: read_xml(body, options, url="uni.example/file"))
    read_root_name(body)


def test_damaged_xml_that_is_a_graph_is_read_or_refused() -> None:
    chance = random.Random(7)
    mapping = load_mapping("loq-xml-3")
    whole = _XML[0].read_bytes()
    bodies = [damage(whole, chance) for _ in range(60)]
    done = [check(lambda b=body: write_json_ld(b, mapping, Account("a"), "uni.example/file")) for body in bodies]  # type: ignore[misc]
    assert any(done)
    assert not all(done)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_tables_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    body = damage(chance.choice(_TABLES), chance)
    options = TableOptions(nested=chance.choice([None, "."]))
    check(lambda: read_table(body, options, url="uni.example/file"))
