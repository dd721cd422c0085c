"""Where imports are kept: `{data_dir}/registry/{register}.jsonl`, one record a line, sorted; and when they were made.

The same register gives the same bytes. A file appears whole or not at all, so a failed import leaves the last good one.
"""

import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from qlink_ld.errors import RegistryError
from qlink_ld.registry.record import REGISTERS, RegistryRecord, load_record

log = logging.getLogger(__name__)

FOLDER: Final = "registry"


@dataclass(frozen=True, slots=True)
class Import:
    """When and from where a register was imported last. Times in UTC."""

    register: str
    source: str
    imported_at: str
    records: int
    left_out: int


def registry_folder(data_dir: Path) -> Path:
    """Return the folder of the imports."""
    return data_dir / FOLDER


def import_file(data_dir: Path, register: str) -> Path:
    """Return the file with the records of a register."""
    return registry_folder(data_dir) / f"{register}.jsonl"


def store_records(data_dir: Path, made: Import, records: Iterable[RegistryRecord]) -> bool:
    """Keep an import in place of the last one.

    Returns:
        False if the records are the same as before.

    Raises:
        RegistryError: it cannot be written; what was there before stays.
    """
    file = import_file(data_dir, made.register)
    lines = b"".join(orjson.dumps(asdict(record)) + b"\n" for record in sorted(records, key=lambda r: r.key))
    try:
        changed = not file.is_file() or file.read_bytes() != lines
        if changed:
            write_whole(file, lines)
        write_whole(file.with_suffix(".json"), orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise RegistryError(
            f"{file} cannot be written: {error.strerror or error}; the last good import stays"
        ) from error
    return changed


def load_records(data_dir: Path, register: str) -> list[RegistryRecord]:
    """Return the records of a register's last import, in the order of their keys; none if there is none.

    Raises:
        RegistryError: the file is damaged.
    """
    file = import_file(data_dir, register)
    number = 0
    try:
        records = []
        for number, line in enumerate(file.read_bytes().splitlines(), 1):  # noqa: B007 (for the message)
            records.append(load_record(orjson.loads(line)))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistryError(
            f"{file}:{number} cannot be read: {error}; make it anew with `qlink-ld registry import {register}`"
        ) from error
    return records


def load_imports(data_dir: Path) -> list[Import]:
    """Return what was imported last, one for each register that was."""
    out = []
    for register in REGISTERS:
        file = import_file(data_dir, register).with_suffix(".json")
        try:
            table: dict[str, Any] = orjson.loads(file.read_bytes())
            out.append(Import(**table))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s cannot be read: %s", file, error)
    return out


def write_whole(file: Path, data: bytes) -> None:
    """Write a file that appears under its name whole and durable, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
