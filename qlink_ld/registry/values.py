"""Single values of registers, brought to one form: texts, languages, countries, addresses, dates, coordinates."""

import math
import re
from typing import Any, Final
from urllib.parse import quote, urlsplit

from qlink_ld.registry.identifiers import read_domain
from qlink_ld.registry.record import UNDETERMINED
from qlink_ld.vocabularies import load_vocabulary

_TAG: Final = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-[a-z0-9]{5,8})*")  # BCP 47, the usual part
_DATE: Final = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_OTHER_COUNTRY_CODES: Final = {"EL": "GR", "UK": "GB", "XKX": "XK"}
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]+")
_LONGEST: Final = 2000  # characters of a name


def read_text(value: object) -> str | None:
    """Return a text in one line; None if there is none."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    return " ".join(_CONTROLS.sub(" ", value).split()) or None


def read_code_text(value: object) -> str | None:
    """Return a code as text; registers write some as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return read_text(value)


def read_language(value: object) -> str:
    """Return a language tag in lower case; `und` if the value is none."""
    tag = value.strip().replace("_", "-").lower() if isinstance(value, str) else ""
    return tag if _TAG.fullmatch(tag) else UNDETERMINED


def read_country(*values: object) -> str | None:
    """Return the EU authority list's code of the first of these ISO 3166 codes that is known."""
    notations = load_vocabulary("country").notations
    for value in values:
        code = value.strip().upper() if isinstance(value, str) else ""
        if iri := notations.get(_OTHER_COUNTRY_CODES.get(code, code)):
            return iri.rpartition("/")[2]
    return None


def read_website(value: object) -> str | None:
    """Return an http(s) address, with a scheme where the register leaves it out; None if it is none."""
    text = read_text(value)
    if text is None:
        return None
    address = text if "://" in text else f"http://{text.lstrip('/')}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or read_domain(host) is None:
        return None
    where = host + (f":{port}" if port is not None else "")
    rest = parts.path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return f"{parts.scheme.lower()}://{where}" + quote(rest, safe="/?#@:!$&'()*+,;=~%-._")


def read_date(value: object) -> str | None:
    """Return the date in front of a text; None if there is none."""
    found = _DATE.match(value) if isinstance(value, str) else None
    return found[0] if found else None


def read_degrees(value: object, greatest: float) -> float | None:
    """Return a latitude or longitude; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        degrees = float(value)
    except ValueError:
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= greatest else None


def tables(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing if it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
