"""What does a provider's JSON say? Strict first; then with the slips forgiven that real servers make.

One character that JSON does not allow must not cost the 250 courses of its page.
"""

import json
from dataclasses import dataclass
from typing import Any

import orjson

_BOM = b"\xef\xbb\xbf"
_LONGEST_NUMBER = 400  # characters
_GREATEST = 1.7e308  # near the greatest double; RFC 8259 §6


@dataclass(frozen=True, slots=True)
class ReadJson:
    """A parsed document, and in plain words what had to be forgiven (None: nothing)."""

    value: Any
    forgiven: str | None = None


def read_json(body: bytes) -> ReadJson:
    """Parse a response body.

    Forgiven: a byte order mark, raw control characters in strings, `NaN` and `Infinity` (they become null), numbers too
    great to be read (they become texts) and half surrogate pairs (they become U+FFFD). Not forgiven: another encoding
    than UTF-8, a body that was cut, anything after the document.

    Raises:
        ValueError: not JSON; the message has line and column.
    """
    plain = body.removeprefix(_BOM)
    try:
        return ReadJson(orjson.loads(plain), None if plain is body else "a byte order mark")
    except orjson.JSONDecodeError as error:
        strict = error
    try:
        value = json.loads(
            plain.decode(),
            strict=False,
            parse_constant=lambda _: None,
            parse_float=_read_number,
            parse_int=_read_number,
        )
        text = json.dumps(value, ensure_ascii=False)
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return ReadJson(orjson.loads(whole), str(strict))
    except (ValueError, RecursionError):
        raise ValueError(str(strict)) from strict


def _read_number(text: str) -> float | str:
    """Return a number, or its text where it is greater than any that JSON's readers agree on."""
    if len(text) > _LONGEST_NUMBER:
        return text
    number = float(text) if not text.lstrip("-").isdigit() else int(text)
    return number if abs(number) < _GREATEST else text
