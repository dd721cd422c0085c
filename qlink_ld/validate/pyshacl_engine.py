"""The reference engine: pySHACL on rdflib. Slower by far; the default engine must agree with it on every case."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import pyoxigraph as ox
import rdflib
from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.errors import ReportableRuntimeError
from pyshacl.graph_abstraction import DataGraph
from pyshacl.shapes_graph import ShapesGraph
from pyshacl.validator import Validator
from rdflib.collection import Collection
from rdflib.namespace import RDF, SH
from rdflib.term import Node

from qlink_ld.errors import ValidationError
from qlink_ld.model import Result
from qlink_ld.validate.catalogue import ShapeCatalogue
from qlink_ld.validate.engine import read_severity, sort_results
from qlink_ld.validate.messages import choose_message
from qlink_ld.validate.strict_literal import StrictLiteral

_OxTerm: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
# How the default engine writes compound paths: SPARQL property paths with brackets.
_PATH_SUFFIXES = {SH.zeroOrMorePath: "*", SH.oneOrMorePath: "+", SH.zeroOrOnePath: "?"}


class PyShaclEngine:
    """The protocol `ShaclEngine` on the package `pyshacl`.

    Args:
        shapes: the shapes graph as N-Triples.

    Raises:
        ValueError: the shapes are malformed.
    """

    name = "pyshacl"

    def __init__(self, shapes: str) -> None:
        self.shapes = ShapeCatalogue(shapes)
        self._graph = _read_graph(shapes)
        self._compiled = ShapesGraph(self._graph)
        try:
            for shape in self._compiled.shapes:
                for parameter in {*self._graph.predicates(shape.node)} & CONSTRAINT_PARAMETERS_MAP.keys():
                    CONSTRAINT_PARAMETERS_MAP[parameter](shape)  # pySHACL itself looks only when there is a target
        except (ReportableRuntimeError, re.error, AssertionError) as exc:
            raise ValueError(str(getattr(exc, "message", exc))) from exc

    def validate(self, data: str) -> tuple[Result, ...]:
        """Check one graph; see `ShaclEngine.validate`."""
        try:
            graph = _read_graph(data)
        except SyntaxError as exc:
            raise ValidationError(f"the data cannot be validated: {exc.msg}; it must be N-Triples") from exc
        validator = Validator(DataGraph.from_rdflib(graph), shacl_graph=rdflib.Graph())
        validator.shacl_graph = self._compiled  # compiled once, for all data
        try:
            with _quiet():
                _, report, _ = validator.run()  # type: ignore[no-untyped-call]
        except ReportableRuntimeError as exc:
            raise ValidationError(f"pyshacl failed: {exc.message}; look at the shapes") from exc
        except TypeError as exc:  # it compares values without looking at their types
            raise ValidationError(f"pyshacl failed: {exc}; use the engine shacl for these shapes") from exc
        return sort_results(self._convert(report, node) for node in report.objects(None, SH.result))

    def _convert(self, report: rdflib.Graph, node: Node) -> Result:
        path_node = report.value(node, SH.resultPath)
        path = _write_path(report, path_node) if path_node is not None else None
        value_node = report.value(node, SH.value)
        value = _write_term(value_node) if value_node is not None else None
        component = _local_name(report.value(node, SH.sourceConstraintComponent))
        source = report.value(node, SH.sourceShape)
        shape = self.shapes.find_named(_write_term(source)) if source is not None else None
        own = {str(text) for text in self._graph.objects(source, SH.message)} if source is not None else set()
        said = {str(text) for text in report.objects(node, SH.resultMessage)}
        from_query = component.startswith("SPARQL")
        focus_node = report.value(node, SH.focusNode)
        return Result(
            focus_node=_write_term(focus_node) if focus_node is not None else "",
            path=path,
            component=component,
            severity=read_severity(_local_name(report.value(node, SH.resultSeverity))),
            value=value,
            message=choose_message(
                self.shapes,
                component=component,
                path=path,
                value=value,
                named_shape=shape,
                messages=sorted(said if own or from_query else ()),  # else pySHACL's own words
            ),
            shape=shape,
        )


def _read_graph(ntriples: str) -> rdflib.Graph:
    """Read N-Triples with the strict parser; literals keep their lexical form."""
    graph = rdflib.Graph(bind_namespaces="none")
    terms: dict[_OxTerm, Node] = {}

    def convert(term: _OxTerm) -> Node:
        if (known := terms.get(term)) is None:
            known = terms[term] = _read_term(term)
        return known

    with _quiet():
        for quad in ox.parse(ntriples.encode(), format=ox.RdfFormat.N_TRIPLES):
            graph.add((convert(quad.subject), convert(quad.predicate), convert(quad.object)))
    return graph


def _read_term(term: _OxTerm) -> Node:
    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    if not isinstance(term, ox.Literal):
        raise ValidationError(f"the data cannot be validated: {term} is RDF 1.2; use RDF 1.1")
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    datatype = term.datatype.value
    if datatype.endswith("XMLSchema#string"):
        return rdflib.Literal(term.value)
    return StrictLiteral(term.value, datatype=rdflib.URIRef(datatype), normalize=False)


def _write_term(node: Node) -> str:
    if isinstance(node, rdflib.URIRef):
        return str(ox.NamedNode(str(node)))
    if isinstance(node, rdflib.BNode):
        return str(ox.BlankNode(str(node)))
    if not isinstance(node, rdflib.Literal):
        raise TypeError(f"not an RDF term: {node!r}")
    if node.language:
        return str(ox.Literal(str(node), language=node.language))
    datatype = ox.NamedNode(str(node.datatype)) if node.datatype else None
    return str(ox.Literal(str(node), datatype=datatype))


def _write_path(graph: rdflib.Graph, path: Node) -> str:
    if isinstance(path, rdflib.URIRef):
        return _write_term(path)
    if graph.value(path, RDF.first) is not None:
        return "(" + "/".join(_write_path(graph, step) for step in Collection(graph, path)) + ")"
    if (alternatives := graph.value(path, SH.alternativePath)) is not None:
        return "(" + "|".join(_write_path(graph, step) for step in Collection(graph, alternatives)) + ")"
    if (inverse := graph.value(path, SH.inversePath)) is not None:
        return "^" + _write_path(graph, inverse)
    for predicate, suffix in _PATH_SUFFIXES.items():
        if (inner := graph.value(path, predicate)) is not None:
            return f"({_write_path(graph, inner)}){suffix}"
    return _write_term(path)


def _local_name(node: Node | None) -> str:
    return re.split(r"[#/]", str(node))[-1] if node is not None else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep rdflib from telling of each ill-typed literal: the results tell."""
    logger = logging.getLogger("rdflib.term")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled
