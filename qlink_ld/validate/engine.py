"""What a SHACL engine is, and how to get one. Two exist: `shacl` (Rust, the default) and `pyshacl` (the reference)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from qlink_ld.errors import ConfigurationError, ValidationError
from qlink_ld.model import Result, Severity
from qlink_ld.validate.catalogue import ShapeCatalogue
from qlink_ld.validate.shape_files import bundled_shapes, read_shapes

ENGINES: Final = ("shacl", "pyshacl")

# What an engine reports of a severity that is not SHACL's own counts as a violation: nothing slips through.
_SEVERITIES: dict[str, Severity] = {"Violation": "violation", "Warning": "warning", "Info": "info"}


class ShaclEngine(Protocol):
    """Checks data against the shapes with which it was made. Several threads may use `shacl` at once, pySHACL not."""

    name: str
    shapes: ShapeCatalogue

    def validate(self, data: str) -> tuple[Result, ...]:
        """Check one graph.

        Args:
            data: N-Triples text, with everything that `sh:class` needs to see. Nothing is inferred or fetched.

        Returns:
            All results, violations and others, in one order for both engines. A blank node keeps its label,
            unless the shapes tell blank nodes from IRIs (`sh:nodeKind sh:IRI`): then it may get another.

        Raises:
            ValidationError: the data is not N-Triples, or the engine failed.
        """
        ...


def load_engine(name: str, shapes: Sequence[Path] = ()) -> ShaclEngine:
    """Make the engine `name` ("shacl" or "pyshacl") for shapes files; without files, for the bundled shapes.

    Raises:
        ConfigurationError: there is no engine of that name.
        ValidationError: a shapes file cannot be read or used; the message names it.
    """
    make = _find_maker(name)
    files = tuple(shapes) or bundled_shapes()
    text = read_shapes(files)
    try:
        return make(text)
    except ValueError as exc:
        raise ValidationError(_blame(make, files, exc)) from exc


class _Maker(Protocol):
    def __call__(self, shapes: str) -> ShaclEngine: ...


def _find_maker(name: str) -> _Maker:
    if name == "shacl":
        from qlink_ld.validate.rust_engine import RustEngine

        return RustEngine
    if name == "pyshacl":
        from qlink_ld.validate.pyshacl_engine import PyShaclEngine

        return PyShaclEngine
    raise ConfigurationError(f"no validation engine is called '{name}': use {' or '.join(ENGINES)}")


def _blame(make: _Maker, files: Sequence[Path], error: ValueError) -> str:
    """Say which of the files an engine cannot use, by trying each alone."""
    for file in files:
        try:
            make(read_shapes([file]))
        except ValidationError:
            continue  # no shapes in it: it only helps the others
        except ValueError as exc:
            return f"shapes file {file} cannot be used: {_one_line(exc)}; correct that shape"
    names = ", ".join(str(file) for file in files)
    return f"the shapes files {names} cannot be used together: {_one_line(error)}; correct that shape"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def read_severity(local_name: str) -> Severity:
    """Return the severity for the local name of a SHACL severity."""
    return _SEVERITIES.get(local_name, "violation")


def sort_results(results: Iterable[Result]) -> tuple[Result, ...]:
    """Put results in the one order that both engines use."""
    return tuple(
        sorted(
            results,
            key=lambda r: (
                r.focus_node,
                r.path or "",
                r.component,
                r.value or "",
                r.shape or "",
                r.severity,
                r.message,
            ),
        )
    )
