"""Writes the configuration that harvests the running sample universities, and reads where they were the last time."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qlink_ld.config import load_config
from qlink_ld.errors import ConfigurationError, QlinkError
from qlink_ld.model import Alliance, Institution

_SOURCE_KEYS = (
    "id", "type", "path", "version", "name", "mapping", "content_type", "page_size", "default_language",
    "offerings_since",
)  # fmt: skip


def write_config(institutions: Sequence[Institution], alliances: Sequence[Alliance], file: Path, base_iri: str) -> None:
    """Write the `qlink.toml` that harvests these servers, into the data directory that it is for.

    The servers' addresses are good as long as the demo runs; what was published stays usable without them.

    Args:
        institutions: with the addresses of the running servers; one without sources has a manifest on its website.
        alliances: of them.
        file: where to; `data_dir` will be the folder it lies in.
        base_iri: of the deployment, ending with a slash.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    lines = [
        "# Written by `qlink-ld demo`. The sources' addresses end with the demo that wrote them.",
        *_settings({"base_iri": base_iri, "data_dir": "."}),
        "",
        "[harvest]",
        *_settings({"allow_private_addresses": True}),
    ]
    for institution in institutions:
        lines += ["", "[[institution]]"]
        keys = ("id", "name", "schac", "website", "country", "minimum_records")
        settings = {key: getattr(institution, key) for key in keys}
        if institution.on_violation != "refuse":
            settings["on_violation"] = institution.on_violation
        lines += _settings({**settings, "same_as": list(institution.same_as)})
        for source in institution.sources:
            lines += ["", "  [[institution.source]]"]
            lines += _settings({key: getattr(source, key) for key in _SOURCE_KEYS}, "  ")
    for alliance in alliances:
        lines += ["", "[[alliance]]"]
        lines += _settings({"id": alliance.id, "name": alliance.name, "members": list(alliance.members)})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}; choose another --data folder") from error


def _settings(table: Mapping[str, Any], indent: str = "") -> list[str]:
    """Return TOML lines; JSON's texts, numbers, booleans and lists of texts are TOML's, too."""
    return [
        f"{indent}{key} = {value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if value is not None
    ]


def read_ports(file: Path) -> dict[str, int]:
    """Return the ports of the institutions' servers in a configuration that an earlier demo wrote, if there is one.

    Whoever takes the same ports again leaves the websites in the published graphs as they were.
    """
    if not file.is_file():
        return {}
    try:
        institutions = load_config(file, environment={}).institutions
    except QlinkError:
        return {}  # it is written anew
    ports = {}
    for institution in institutions:
        addresses = [source.path for source in institution.sources] or [institution.website or ""]
        if port := urlsplit(addresses[0]).port:
            ports[institution.id] = port
    return ports
