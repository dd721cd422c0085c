"""What should a data steward correct in a manifest? Findings with line and key, in plain words."""

import difflib
from collections.abc import Iterable

from qlink_ld.discovery.located import Items, Node, Place, Scalar, Table
from qlink_ld.model import Issue, Severity

MAX_FINDINGS = 200  # one manifest with more is wrong throughout


class Findings:
    """Collects what is wrong with one manifest.

    Args:
        url: where the manifest is.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.issues: list[Issue] = []
        self._places: list[Place | None] = []
        self._more = 0

    def add(
        self,
        code: str,
        message: str,
        place: Place | None,
        key: str | None = None,
        *,
        severity: Severity = "warning",
        value: object = None,
    ) -> None:
        """Note something.

        Args:
            code: kebab-case, stable.
            message: what was found; what to do. Line and key are put before it.
            place: where it is.
            key: path of the key, as `sources[1].path`.
            severity: "violation" if the whole source or manifest is left out.
            value: what stands there; never a secret.
        """
        if len(self.issues) >= MAX_FINDINGS and severity != "violation":
            self._more += 1
            return
        before = (f"line {place.line}" if place else "") + (", " if place and key else "") + (f"`{key}`" if key else "")
        self.issues.append(
            Issue(
                code,
                f"{before}: {message}" if before else message,
                severity,
                field=key,
                value=None if value is None else str(value)[:200],
                position=f"{self.url}:{place.line}:{place.column}" if place else self.url,
            )
        )
        self._places.append(place)

    def finish(self) -> tuple[Issue, ...]:
        """Return all findings in the order of their lines."""
        order = sorted(range(len(self.issues)), key=lambda n: self._places[n] or Place(0, 0))
        issues = [self.issues[n] for n in order]
        if self._more:
            issues.append(Issue("findings-omitted", f"{self._more} more findings; correct these first", "info"))
        return tuple(issues)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` if a known word is near, else nothing."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.75)
    return f' Did you mean "{names[near[0]]}"?' if near else ""


def describe(node: Node) -> str:
    """Say what kind of value it is, for messages; never the value itself, which may be secret."""
    if isinstance(node, Table):
        return "an object"
    if isinstance(node, Items):
        return "a list"
    return _describe_scalar(node)


def _describe_scalar(node: Scalar) -> str:
    if node.value is None:
        return "nothing (null)"
    if isinstance(node.value, bool):
        return "a truth value"
    return "text" if isinstance(node.value, str) else "a number"
