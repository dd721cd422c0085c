"""Where the declarative files are (mappings, shapes, queries): beside the package in a checkout, inside a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find_resource_dir(name: str) -> Path:
    """Return the folder of declarative files `name`: "mappings", "shapes" or "queries".

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    for candidate in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the folder '{name}' is missing from this installation of qlink-ld: install it again")
