"""Which concept of a controlled vocabulary a value means: its IRI, its code, its label, or the IRI of another list.

Languages come in every form there is: ISO 639-1, 639-2 (both forms), 639-3, BCP 47 tags, English names, addresses at
Lexvo or the Library of Congress. Fields of study may have lost dots, blanks or their leading zero.

Source: crosswalk, value tables I and L; BCP 47; EU Vocabularies.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from pyoxigraph import Literal, NamedNode

from qlink_ld.mapping.values import read_language
from qlink_ld.vocabularies import load_vocabulary

_CODE_LISTS = re.compile(  # addresses that end in an ISO 639 or ISO 3166 code
    r"https?://(?:(?:www\.)?lexvo\.org/(?:id|page)|id\.loc\.gov/vocabulary|iso639-3\.sil\.org/code|w3id\.org/(?:lexvo|iso)"
    r"|publications\.europa\.eu/resource/authority)/",
    re.IGNORECASE,
)
_UNDETERMINED = frozenset(("und", "zxx"))  # no language, or none that is known: no answer to "in which language?"


@lru_cache(maxsize=32)
def _labels(vocabulary: str) -> Mapping[str, str]:
    """Label in small letters → concept; labels that several concepts have are left out."""
    found: dict[str, set[str]] = {}
    for iri, texts in load_vocabulary(vocabulary).labels.items():
        for text in texts.values():
            found.setdefault(text.casefold(), set()).add(iri)
    return {label: next(iter(iris)) for label, iris in found.items() if len(iris) == 1}


@lru_cache(maxsize=16384)
def find_concept(vocabulary: str, value: str, *, is_iri: bool = False) -> str | None:
    """Return the IRI of the concept that a value means, or None if none is meant for certain.

    Args:
        vocabulary: a file of `mappings/vocabularies/`.
        value: text, or IRI.
        is_iri: which of the two it is.
    """
    known = load_vocabulary(vocabulary)
    if value in known.labels:
        return value
    if is_iri:
        plain = "http://" + value.partition("://")[2]
        if plain in known.labels:
            return plain
        if not _CODE_LISTS.match(value):
            return None
        value = re.split(r"[/#]", value.rstrip("/#"))[-1]
    text = value.strip()
    if found := known.notations.get(text) or known.notations.get(text.upper()) or known.notations.get(text.lower()):
        return None if vocabulary == "language" and text.lower() in _UNDETERMINED else found
    if vocabulary == "language" and (found := _find_language(text, known.notations)):
        return found
    if vocabulary == "isced-f" and (found := _find_field(text, known.notations)):
        return found
    return None if is_iri else _labels(vocabulary).get(text.casefold())


def _find_language(text: str, notations: Mapping[str, str]) -> str | None:
    """The concept of a language tag's primary subtag, in its present form if it is deprecated."""
    tag = read_language(text)
    for form in (tag, text.lower().replace("_", "-")) if tag else ():
        primary = (form or "").partition("-")[0]
        if primary in notations and primary not in _UNDETERMINED:
            return notations[primary]
    return None


def _find_field(text: str, notations: Mapping[str, str]) -> str | None:
    """The concept of a field of study: without dots and blanks, national digits cut off, the lost zero put back."""
    digits = re.sub(r"[\s.]", "", text)
    if not re.fullmatch(r"\d{2,6}", digits, re.ASCII):
        return None
    return notations.get(digits[:4]) or (notations.get(f"0{digits}") if len(digits) == 3 else None)


def read_concept(vocabulary: str, value: NamedNode | Literal) -> NamedNode | None:
    """Return the concept that an RDF term means, or None."""
    found = find_concept(vocabulary, value.value, is_iri=isinstance(value, NamedNode))
    return None if found is None else NamedNode(found)
