"""Which datatype did a number have when it was published? The store keeps only its value.

Oxigraph stores `"80"^^xsd:nonNegativeInteger` as the integer 80 and gives it back as `xsd:integer`, which the profile's
shapes refuse (profile 0.4.0: integers). Triples that leave the server get the datatype back that the shapes want.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from qlink_ld.namespaces import SH, XSD
from qlink_ld.resources import find_resource_dir

_LEAST = {f"{XSD}nonNegativeInteger": 0, f"{XSD}positiveInteger": 1}
_INTEGER = f"{XSD}integer"


def restore_datatypes(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Give integers the datatype that the profile wants for their property; everything else passes as it is."""
    wanted = _wanted_datatypes()
    for triple in triples:
        value = triple.object
        if isinstance(value, Literal) and value.datatype.value == _INTEGER:
            datatype = wanted.get(triple.predicate.value)
            if datatype is not None and int(value.value) >= _LEAST[datatype.value]:
                yield Triple(triple.subject, triple.predicate, Literal(value.value, datatype=datatype))
                continue
        yield triple


@lru_cache(maxsize=1)
def _wanted_datatypes() -> dict[str, NamedNode]:
    """Property → datatype, as far as the bundled shapes ask for a narrower one than xsd:integer."""
    paths: dict[str, str] = {}
    datatypes: dict[str, NamedNode] = {}
    for file in sorted(find_resource_dir("shapes").glob("*.ttl")):
        for quad in parse(path=file, format=RdfFormat.TURTLE):
            shape, value = str(quad.subject), quad.object
            if isinstance(value, NamedNode) and quad.predicate.value == f"{SH}path":
                paths[shape] = value.value
            elif isinstance(value, NamedNode) and quad.predicate.value == f"{SH}datatype" and value.value in _LEAST:
                datatypes[shape] = value
    return {paths[shape]: datatype for shape, datatype in datatypes.items() if shape in paths}
