"""The default engine: the package `shacl` (Rust), which compiles the shapes once."""

import re

import shacl

from qlink_ld.errors import ValidationError
from qlink_ld.model import Result
from qlink_ld.namespaces import SH
from qlink_ld.validate.catalogue import ShapeCatalogue
from qlink_ld.validate.engine import read_severity, sort_results
from qlink_ld.validate.messages import choose_message

# The engine renames blank nodes. Their labels are kept by writing them as IRIs of this scheme for its eyes only.
_BLANK = "urn:qlink-ld:blank:"
_SUBJECT = re.compile(r"^\s*_:(\S+)(?=\s)", re.MULTILINE)
_OBJECT = re.compile(r"(?<=\s)_:([^\s<>\"]+?)(?=\s*\.\s*$)", re.MULTILINE)
_DISGUISED = re.compile(rf"<{re.escape(_BLANK)}([^>]*)>")
# Constraints that tell blank nodes from IRIs: with one of these in the shapes, the data is given as it is.
_TELLING = re.compile(
    rf"<{re.escape(SH)}(?:nodeKind> <{re.escape(SH)}(?:IRI|BlankNode|BlankNodeOrLiteral|IRIOrLiteral)>"
    r"|(?:minLength|maxLength|sparql|select|ask)>)"
)
_PATTERN = re.compile(rf'<{re.escape(SH)}pattern> "((?:[^"\\]|\\.)*)"')


class RustEngine:
    """The protocol `ShaclEngine` on the package `shacl`.

    Args:
        shapes: the shapes graph as N-Triples.

    Raises:
        ValueError: the shapes are malformed.
    """

    name = "shacl"

    def __init__(self, shapes: str) -> None:
        self.shapes = ShapeCatalogue(shapes)
        self._compiled = shacl.Shapes.from_text(shapes, "ntriples")
        self._may_disguise = not _tells_blank_nodes(shapes)

    def validate(self, data: str) -> tuple[Result, ...]:
        """Check one graph; see `ShaclEngine.validate`."""
        disguised = self._may_disguise and "_:" in data
        if disguised:
            data = _OBJECT.sub(rf"<{_BLANK}\1>", _SUBJECT.sub(rf"<{_BLANK}\1>", data))
        try:
            report = self._compiled.validate_text(data, "ntriples")
        except ValueError as exc:
            raise ValidationError(f"the data cannot be validated: {exc}; it must be N-Triples") from exc
        found = report.results
        return sort_results(self._convert(result, disguised) for result in found) if found else ()

    def _convert(self, result: shacl.Result, disguised: bool) -> Result:
        focus_node, value = result.focus_node, result.value
        if disguised:
            focus_node = _DISGUISED.sub(r"_:\1", focus_node)
            value = _DISGUISED.sub(r"_:\1", value) if value else value
        component, path, shape = result.component, result.path, result.root_shape
        return Result(
            focus_node=focus_node,
            path=path,
            component=component,
            severity=read_severity(result.severity),
            value=value,
            message=choose_message(
                self.shapes,
                component=component,
                path=path,
                value=value,
                named_shape=shape,
                messages=result.messages,
            ),
            shape=shape,
        )


def _tells_blank_nodes(shapes: str) -> bool:
    """Say whether some constraint could treat a blank node differently when it is written as an IRI.

    A blank node never matches a `sh:pattern`; the IRI does not either if the pattern is anchored at something else.
    """
    if _TELLING.search(shapes):
        return True
    patterns = (match[1] for match in _PATTERN.finditer(shapes))
    return any(not pattern.startswith("^") or _BLANK.startswith(pattern[1:2]) for pattern in patterns)
