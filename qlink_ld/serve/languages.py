"""Which language version does a reader get first? That of Accept-Language, else English, else any; never only one."""

from collections.abc import Iterable, Sequence

from flask import request
from pyoxigraph import Literal


def reader_languages() -> list[str]:
    """Return the primary subtags that the reader understands, best first; English last if not named."""
    wanted = [request.args["lang"]] if request.args.get("lang") else []
    wanted += [value for value, quality in request.accept_languages if quality > 0 and value != "*"]
    subtags = [value.replace("_", "-").split("-")[0].lower() for value in wanted]
    return list(dict.fromkeys([*subtags, "en"]))


def order_by_language(texts: Iterable[Literal], languages: Sequence[str]) -> list[Literal]:
    """Put the texts in the reader's order: each wanted language, then the others by tag; same language by text."""

    def rank(text: Literal) -> tuple[int, str, str]:
        tag = (text.language or "").lower()
        primary = tag.split("-")[0]
        return (languages.index(primary) if primary in languages else len(languages), tag, text.value)

    return sorted(dict.fromkeys(texts), key=rank)


def pick_text(texts: Iterable[Literal], languages: Sequence[str]) -> Literal | None:
    """Return the text that the reader understands best, or None if there is none."""
    return next(iter(order_by_language(texts, languages)), None)
