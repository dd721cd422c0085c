"""What does a manifest say? Its sources, and in plain words, with line and key, what of it cannot be used.

A bad entry never costs the good ones. Source: QualityLink Data Source Discovery, requirements M-01 to M-17.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from qlink_ld.discovery.document import MAX_BYTES, read_document
from qlink_ld.discovery.findings import Findings, describe, suggest
from qlink_ld.discovery.located import Document, DocumentError, Items, Member, Scalar, Table, plain
from qlink_ld.discovery.source_entry import SOURCE_KEYS, TYPE_KEYS, SourceReader
from qlink_ld.errors import UnusableResponse
from qlink_ld.model import DataSource, Institution, Issue

__all__ = ["MAX_BYTES", "Manifest", "check_meta", "judge_manifest", "parse_manifest"]

MANIFEST_KEYS: Final = ("meta", "sources")
META_KEYS: Final = ("schac", "eterid", "deqarid", "did")  # M-12
_SLIPS = 50  # of the syntax, at most


@dataclass(frozen=True, slots=True)
class Manifest:
    """A provider's manifest: where it was, its sources, and what a data steward should correct."""

    url: str
    sources: tuple[DataSource, ...]  # those that can be used
    issues: tuple[Issue, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()  # schac, eterid, deqarid, did as stated
    syntax: str = ""  # "JSON" or "YAML"
    unknown: tuple[tuple[str, Any], ...] = field(default=(), repr=False)  # keys that we do not know, with their values
    readable: bool = True  # False: no manifest at all, and `issues` say why

    @property
    def valid(self) -> bool:
        """True if every entry can be used as it stands, so far as the manifest alone tells."""
        return self.readable and not any(issue.severity == "violation" for issue in self.issues)


def parse_manifest(body: bytes, url: str) -> Manifest:
    """Read a manifest.

    Args:
        body: the file's content, JSON or YAML.
        url: where it was found, for messages.

    Returns:
        The manifest with its usable sources, in its order; entries that cannot be used are issues.

    Raises:
        UnusableResponse: neither syntax, not an object, or no list of sources with at least one entry.
    """
    manifest = judge_manifest(body, url)
    if not manifest.readable:
        raise UnusableResponse(f"{url}: {manifest.issues[-1].message}")
    return manifest


def judge_manifest(body: bytes, url: str) -> Manifest:
    """Read a manifest as `parse_manifest` does; what is none is returned, too, with `readable` false and the reason."""
    findings = Findings(url)
    try:
        document = read_document(body)
    except DocumentError as error:
        findings.add("not-a-manifest", f"not a manifest: {error}", error.place, severity="violation")
        return Manifest(url, (), tuple(findings.issues), readable=False)
    for slip in document.slips[:_SLIPS]:
        findings.add(slip.code, slip.message, slip.place)
    return _read_root(document, url, findings)


def _read_root(document: Document, url: str, findings: Findings) -> Manifest:
    root = document.root
    if not isinstance(root, Table):
        message = f'a manifest is one object, {{"sources": […]}}, not {describe(root)}; put braces around it'
        findings.add("not-a-manifest", message, root.place, severity="violation")
        return Manifest(url, (), tuple(findings.issues), syntax=document.syntax, readable=False)
    for name, member in root.members.items():
        if name not in MANIFEST_KEYS:
            hint = suggest(name, MANIFEST_KEYS)
            findings.add(
                "key-unknown", f"not a key of a manifest; it is ignored.{hint}", member.place, name, severity="info"
            )
    entries = root.members.get("sources")
    if entries is None or not isinstance(entries.node, Items) or not entries.node.values:
        found = (
            ""
            if entries is None
            else ", and here is " + ("an empty list" if isinstance(entries.node, Items) else describe(entries.node))
        )
        message = f"a manifest needs `sources`, a list with at least one entry{found}. Add the sources"
        place = entries.place if entries else root.place
        findings.add("not-a-manifest", message, place, "sources", severity="violation")
        return Manifest(url, (), tuple(findings.issues), syntax=document.syntax, readable=False)
    reader = SourceReader(findings)
    sources = [source for n, node in enumerate(entries.node.values) if (source := reader.read(node, n)) is not None]
    return Manifest(
        url,
        tuple(sources),
        meta=_read_meta(root.members.get("meta"), findings),
        issues=findings.finish(),
        syntax=document.syntax,
        unknown=tuple(_unknown(root)),
    )


def _read_meta(member: Member | None, findings: Findings) -> tuple[tuple[str, str], ...]:
    if member is None or (isinstance(member.node, Scalar) and member.node.value is None):
        return ()
    if not isinstance(member.node, Table):
        message = f"an object is needed, not {describe(member.node)}; it is ignored"
        findings.add("meta-invalid", message, member.place, "meta")
        return ()
    stated = []
    for name, value in member.node.members.items():
        text = value.node.value if isinstance(value.node, Scalar) else value.node
        if name not in META_KEYS:
            message = f"not a key of `meta`; it is ignored.{suggest(name, META_KEYS)}"
            findings.add("key-unknown", message, value.place, f"meta.{name}", severity="info")
        elif isinstance(text, str) and text.strip():
            stated.append((name, text.strip()))
        elif text is not None:
            message = f"text is needed, not {describe(value.node)}; it is ignored"
            findings.add("meta-invalid", message, value.place, f"meta.{name}")
    return tuple(stated)


def _unknown(root: Table) -> Iterator[tuple[str, Any]]:
    """Yield what a manifest says that we do not know (M-14)."""
    known = {*SOURCE_KEYS, *(name for names in TYPE_KEYS.values() for name in names)}
    for name, member in root.members.items():
        if name not in MANIFEST_KEYS:
            yield name, plain(member.node)
        elif name == "sources" and isinstance(member.node, Items):
            for number, entry in enumerate(member.node.values):
                if isinstance(entry, Table):
                    for key, value in entry.members.items():
                        if key not in known:
                            yield f"sources[{number}].{key}", plain(value.node)


def check_meta(manifest: Manifest, institution: Institution) -> tuple[Issue, ...]:
    """Compare the identifiers in a manifest with those of the registry; what differs is a warning (M-12).

    Compared is what the registry knows: the SCHAC code, the OrgReg/ETER id, and the DEQARINST id in `same_as`.
    """
    known = _registry_identifiers(institution)
    issues = []
    for name, stated in manifest.meta:
        expected = known.get(name)
        if expected is not None and _plain_identifier(name, stated) != _plain_identifier(name, expected):
            issues.append(
                Issue(
                    "meta-differs",
                    f"`meta.{name}` is {stated}, but the registry has {expected} for {institution.id}; "
                    "is it the manifest of another institution, or has the identifier changed? Correct one of them",
                    field=f"meta.{name}",
                    value=stated,
                    position=manifest.url,
                )
            )
    return tuple(issues)


def _registry_identifiers(institution: Institution) -> dict[str, str]:
    known = {}
    if institution.schac:
        known["schac"] = institution.schac
    if re.fullmatch(r"[A-Z]{2}[0-9]{4}", institution.id):
        known["eterid"] = institution.id
    for iri in institution.same_as:
        if match := re.search(r"(?:deqar\.eu/(?:institution|browser/institution)/|DEQARINST)([0-9]+)/?$", iri):
            known["deqarid"] = f"DEQARINST{int(match[1]):04d}"
        elif iri.startswith("did:"):
            known["did"] = iri
    return known


def _plain_identifier(name: str, text: str) -> str:
    text = text.strip().casefold().rstrip(".")
    if name == "deqarid":
        return re.sub(r"^(?:deqarinst)?0*", "", text)
    return text
