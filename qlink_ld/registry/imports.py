"""Imports a register, from its server or from a file, and keeps what it says in one form.

Source: QualityLink Data Source Discovery, requirement D-09: institutions are the union of EUF HEI API, EWP Registry and
DEQAR.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import orjson

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import ConfigurationError, RegistryError
from qlink_ld.model import Issue
from qlink_ld.provider_json import read_json
from qlink_ld.registry import deqar, ewp, hei_api
from qlink_ld.registry.download import EWP_FRESH_S, FRESH_S, RegistryClient, same_origin
from qlink_ld.registry.reading import Reading
from qlink_ld.registry.shelf import Import, load_imports, registry_folder, store_records

DEFAULT_URLS: Final = {
    deqar.REGISTER: "https://backend.deqar.eu/connectapi/v1/providers/",
    ewp.REGISTER: "https://registry.erasmuswithoutpaper.eu/catalogue-v1.xml",
    hei_api.REGISTER: "https://hei.api.uni-foundation.eu/api/public/v1/hei",
}
_PAGE_SIZE: Final = 500  # of DEQAR; a server that gives fewer at a time is followed
_MOST_PAGES: Final = 5000
_MAXIMUM_FALL: Final = 0.3  # DESIGN §2, principle 3
_JSON: Final = "application/json"
_JSON_API: Final = "application/vnd.api+json"
_XML: Final = "application/xml, text/xml"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import brought. `stale` has addresses whose last answer was used, with why."""

    made: Import
    changed: bool
    issues: tuple[Issue, ...]
    stale: tuple[tuple[str, str], ...] = ()


def import_register(
    register: str,
    source: str | None,
    data_dir: Path,
    settings: HarvestSettings,
    *,
    force: bool = False,
    now: datetime | None = None,
) -> ImportResult:
    """Read a register and keep what it says; if that fails, the last good import stays.

    Args:
        register: "deqar", "ewp" or "hei-api".
        source: a file or an http(s) address; None for the register's own address.
        data_dir: the data directory.
        settings: time-out, greatest answer, and who we are.
        force: keep it even if it has far fewer records than the last import.
        now: UTC time; None takes the clock.

    Raises:
        RegistryError: not reachable, not what it should be, empty, incomplete, or suspiciously small.
        ConfigurationError: the file cannot be read.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    source = source or DEFAULT_URLS[register]
    reading = Reading(register)
    stale: dict[str, str] = {}
    last = next((made for made in load_imports(data_dir) if made.register == register), None)
    try:
        if urlsplit(source).scheme in ("http", "https"):
            fresh_s = EWP_FRESH_S if register == ewp.REGISTER else FRESH_S
            with RegistryClient(registry_folder(data_dir), settings, fresh_s) as client:
                _FETCHERS[register](reading, client, source, moment.date().isoformat())
                stale = client.stale
        else:
            path = Path(url2pathname(urlsplit(source).path) if source.startswith("file:") else source)
            _read_file(reading, path, settings.max_response_bytes, moment.date().isoformat())
        _check_size(reading, last, force)
    except (RegistryError, ValueError) as error:
        kept = f"the import of {last.imported_at} stays" if last else "nothing was imported"
        raise RegistryError(f"{register}: {error}; {kept}") from error
    made = Import(register, source, moment.strftime("%Y-%m-%dT%H:%M:%SZ"), len(reading.records), reading.left_out)
    changed = store_records(data_dir, made, reading.records.values())
    return ImportResult(made, changed, tuple(reading.issues), tuple(sorted(stale.items())))


def _check_size(reading: Reading, last: Import | None, force: bool) -> None:
    count = len(reading.records)
    if not count:
        raise RegistryError("there is no institution in it")
    if last is not None and count < last.records * (1 - _MAXIMUM_FALL) and not force:
        raise RegistryError(f"it has only {count} institutions after {last.records}; if that is right, use --force")


# From a file --------------------------------------------------------------------------------------------------------


def _read_file(reading: Reading, path: Path, max_bytes: int, today: str) -> None:
    try:
        with path.open("rb") as stream:
            body = stream.read(max_bytes + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}; give a file or an address") from error
    if len(body) > max_bytes:
        raise ValueError(f"{path} is larger than {max_bytes} bytes")
    position = str(path)
    if reading.register == ewp.REGISTER:
        ewp.read_catalogue(reading, body, position)
        return
    member = "results" if reading.register == deqar.REGISTER else "data"
    for number, items in enumerate(_pages(_parse(body, position), member), 1):
        where = position if number == 1 else f"{position}, page {number}"
        if reading.register == deqar.REGISTER:
            deqar.read_providers(reading, items, where, today)
        else:
            hei_api.read_resources(reading, items, where, {})


def _pages(document: object, member: str) -> Iterator[object]:
    """Yield the lists of a file: one page, several pages in a list, or a bare list."""
    if isinstance(document, dict):
        yield document.get(member)
    elif isinstance(document, list) and any(isinstance(item, dict) and member in item for item in document):
        yield from (item.get(member) if isinstance(item, dict) else None for item in document)
    else:
        yield document


def _parse(body: bytes, position: str) -> Any:  # noqa: ANN401 (JSON)
    try:
        return read_json(body).value
    except ValueError as error:
        raise ValueError(f"{position} is not JSON: {error}") from error


# From a server ------------------------------------------------------------------------------------------------------


def _get(client: RegistryClient, url: str, accept: str, **parameters: int) -> bytes:
    body = client.get(url, accept, parameters)
    if body is None:
        raise RegistryError(f"there is nothing at {url}. Check the address")
    return body


def _get_object(client: RegistryClient, url: str, accept: str, **parameters: int) -> dict[str, Any]:
    document = _parse(_get(client, url, accept, **parameters), url)
    if not isinstance(document, dict):
        raise ValueError(f"{url} is no JSON object")  # noqa: TRY004 (of data, not of arguments)
    return document


def _fetch_deqar(reading: Reading, client: RegistryClient, url: str, today: str) -> None:
    """Walk the pages by offset. `next` is a truth value; the count says whether all of them came."""
    offset, pages = 0, set[bytes]()
    for _ in range(_MOST_PAGES):
        document = _get_object(client, url, _JSON, limit=_PAGE_SIZE, offset=offset)
        count = deqar.read_providers(reading, document.get("results"), f"{url}?offset={offset}", today)
        offset += count
        seen = len(reading.records) + reading.left_out
        page = hashlib.sha256(orjson.dumps(document["results"])).digest()
        if count and page in pages:
            raise RegistryError(f"{url} gives the same page again at offset {offset - count}")
        pages.add(page)
        if not document.get("next") or not count:
            break
    total = document.get("count")
    if isinstance(total, int) and seen < total:
        raise RegistryError(f"{url} gave {seen} of {total} providers")


def _fetch_ewp(reading: Reading, client: RegistryClient, url: str, _today: str) -> None:
    ewp.read_catalogue(reading, _get(client, url, _XML), url)


def _fetch_hei_api(reading: Reading, client: RegistryClient, url: str, _today: str) -> None:
    """Read the index, then the list of each country: only these say in which country an institution is."""
    items = _resources(client, url)
    if items is None:
        raise RegistryError(f"there is nothing at {url}. Check the address")
    root = url.rstrip("/").removesuffix("/hei")
    countries: dict[str, str] = {}
    by_key = {key: item for item in items if isinstance(item, dict) and (key := hei_api.find_key(item))}
    listed = client.get(f"{root}/country", _JSON_API)
    document = _parse(listed, f"{root}/country") if listed is not None else {}
    if listed is None:
        reading.note("index", url, f"there is no {root}/country, so the countries are not known")
    for code in sorted(set(_country_codes(document))):
        address = f"{root}/country/{code}/hei"
        found = _resources(client, address)
        if found is None:
            reading.note(code, address, "there is no list of this country")
            continue
        for item in found:
            key = hei_api.find_key(item) if isinstance(item, dict) else None
            if key is None:
                continue
            countries[key] = code
            if key in by_key:
                known, more = by_key[key].get("attributes"), item.get("attributes")
                if isinstance(known, dict) and isinstance(more, dict):
                    by_key[key]["attributes"] = {**more, **known}
            else:
                by_key[key] = item
                items.append(item)
    hei_api.read_resources(reading, items, url, countries)


def _resources(client: RegistryClient, url: str) -> list[Any] | None:
    """Return the resources of a JSON:API list, of all its pages; None if there is no such list."""
    seen: set[str] = set()
    out: list[Any] = []
    following: str | None = url
    while following is not None:
        if following in seen or len(seen) >= _MOST_PAGES:
            raise RegistryError(f"{url} pages for ever")
        seen.add(following)
        body = client.get(following, _JSON_API)
        if body is None and following == url:
            return None
        if body is None:
            raise RegistryError(f"there is nothing at {following}, which was to be the next page")
        document = _parse(body, following)
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, list):
            raise ValueError(f"{following} has no list `data`")  # noqa: TRY004 (of data, not of arguments)
        out += data
        links = document.get("links")
        link = links.get("next") if isinstance(links, dict) else None
        link = link.get("href") if isinstance(link, dict) else link
        if isinstance(link, str) and not same_origin(link, url):
            raise RegistryError(f"{following} names the next page on another server: {link}")
        following = link if isinstance(link, str) else None
    return out


def _country_codes(document: object) -> Iterator[str]:
    """Yield the alpha-2 codes of the list of countries: they are the resources' ids, or a member of theirs."""
    data = document.get("data") if isinstance(document, dict) else None
    for item in data if isinstance(data, list) else []:
        if isinstance(item, dict):
            says = item.get("attributes")
            values = [says.get("country_code"), says.get("code")] if isinstance(says, dict) else []
            code = next((v for v in [item.get("id"), *values] if isinstance(v, str) and len(v) == 2), "")
            if re.fullmatch(r"[A-Za-z]{2}", code):
                yield code.upper()


_FETCHERS: Final[dict[str, Callable[[Reading, RegistryClient, str, str], None]]] = {
    deqar.REGISTER: _fetch_deqar,
    ewp.REGISTER: _fetch_ewp,
    hei_api.REGISTER: _fetch_hei_api,
}
