"""Which shapes files are used, and what they say: files in, one N-Triples text out.

Both engines read the same text, so that a file means the same to both. What the SHACL recommendation leaves to the
engine is made explicit in it: a shape that is a class (`owl:Class` or `rdfs:Class`) targets that class.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat, Triple, parse

from qlink_ld.errors import ValidationError
from qlink_ld.namespaces import OWL, RDF, RDFS, SH
from qlink_ld.ntriples import write_triples
from qlink_ld.resources import find_resource_dir

SUBCLASSES_FILE = "ontology-subclasses.ttl"  # context of the data, not shapes
_CLASSES = {NamedNode(f"{OWL}Class"), NamedNode(f"{RDFS}Class")}
_SHAPES = {NamedNode(f"{SH}NodeShape"), NamedNode(f"{SH}PropertyShape")}
_TYPE = NamedNode(f"{RDF}type")
_TARGET_CLASS = NamedNode(f"{SH}targetClass")


def bundled_shapes() -> tuple[Path, ...]:
    """Return the shapes files that come with qlink-ld, sorted by name."""
    return tuple(file for file in sorted(find_resource_dir("shapes").glob("*.ttl")) if file.name != SUBCLASSES_FILE)


@lru_cache(maxsize=1)
def subclass_axioms() -> str:
    """Return, as N-Triples, which class is a kind of which: context that data needs during validation.

    Source: QualityLink profile 0.4.0; SHACL §4.1.1: `sh:class` looks for `rdfs:subClassOf` in the data graph only.
    """
    file = find_resource_dir("shapes") / SUBCLASSES_FILE
    return write_triples(Triple(quad.subject, quad.predicate, quad.object) for quad in _parse_file(file))


def read_shapes(files: Sequence[Path]) -> str:
    """Read shapes files (Turtle, N-Triples, RDF/XML, JSON-LD, TriG, N-Quads by suffix) into one N-Triples text.

    `owl:imports` is not followed: nothing is fetched.

    Raises:
        ValidationError: a file cannot be read, has a syntax error, or none of them holds a shape.
    """
    quads = [quad for file in files for quad in _parse_file(file)]
    if not any(quad.predicate.value.startswith(SH) for quad in quads):
        names = ", ".join(str(file) for file in files)
        raise ValidationError(f"no SHACL shapes in {names}: give files that hold sh:NodeShape or sh:PropertyShape")
    triples = [Triple(quad.subject, quad.predicate, quad.object) for quad in quads]
    return write_triples([*triples, *_explicit_targets(quads)])


def _explicit_targets(quads: Iterable[Quad]) -> list[Triple]:
    """State as `sh:targetClass` that a shape which is a class targets itself.

    SHACL §2.1.3.3 asks for an instance of `rdfs:Class`; the QualityLink profile has `owl:Class` only, which pySHACL
    honours and others do not.
    """
    classes: set[NamedNode] = set()
    shapes: set[NamedNode] = set()
    for quad in quads:
        if quad.predicate == _TYPE and isinstance(quad.subject, NamedNode):
            if quad.object in _CLASSES:
                classes.add(quad.subject)
            elif quad.object in _SHAPES:
                shapes.add(quad.subject)
    return [Triple(shape, _TARGET_CLASS, shape) for shape in classes & shapes]


def _parse_file(file: Path) -> list[Quad]:
    rdf_format = RdfFormat.from_extension(file.suffix.lstrip(".").lower())
    if rdf_format is None:
        raise ValidationError(
            f"shapes file {file}: the suffix '{file.suffix}' is not known: use .ttl, .nt, .rdf, .jsonld, .trig or .nq"
        )
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise ValidationError(f"shapes file {file} cannot be read: {exc.strerror or exc}; check its path") from exc
    try:
        return list(parse(data, format=rdf_format, base_iri=file.resolve().as_uri(), rename_blank_nodes=True))
    except (SyntaxError, ValueError) as exc:
        line = f":{exc.lineno}" if isinstance(exc, SyntaxError) and exc.lineno else ""
        message = exc.msg if isinstance(exc, SyntaxError) else str(exc)
        raise ValidationError(f"shapes file {file}{line} is not valid RDF: {message}; correct it there") from exc
