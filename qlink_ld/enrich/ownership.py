"""Who may say what? An education provider speaks of its own learning opportunities only, a third party of none.

Source: QualityLink Data Sources and Access Policy, T-01, T-03 and T-04.
"""

import re
from collections.abc import Collection
from dataclasses import replace

from qlink_ld.model import Record, Result
from qlink_ld.namespaces import DCTERMS, ELM, QL, RDF

_CLAIM = re.compile(rf"^(\S+) <({re.escape(DCTERMS)}publisher|{re.escape(ELM)}providedBy)> (<[^>]*>) \.$", re.MULTILINE)
_REFERENCES = tuple(f"<{QL}LearningOpportunity{kind}Reference>" for kind in ("Specification", "Instance"))


def check_ownership(record: Record, institution_iri: str, speaks_for: Collection[str] = ()) -> tuple[Result, ...]:
    """Return a violation for each statement that another institution publishes or provides this record.

    References to opportunities elsewhere name their provider rightly and are left alone.

    Args:
        record: what a source says.
        institution_iri: whose source it is; not an authoritative one, which may speak of anybody's.
        speaks_for: IRIs of institutions that it may speak for as well.
    """
    own = {f"<{iri}>" for iri in (institution_iri, *speaks_for)}
    results = []
    for subject, predicate, provider in _CLAIM.findall(record.ntriples):
        if provider in own or any(
            f"{subject} <{RDF}type> {reference} .\n" in record.ntriples for reference in _REFERENCES
        ):
            continue
        results.append(
            Result(
                focus_node=subject,
                path=f"<{predicate}>",
                component="OwnershipConstraintComponent",
                severity="violation",
                value=provider,
                message="This record names another institution as its provider. A university may publish its own "
                "learning opportunities only: correct the provider, or let the other institution publish it.",
                shape=f"<{QL}HigherEducationInstitution>",
                record=record.iri,
            )
        )
    return tuple(results)


def keep_indicators(record: Record, indicators: Collection[str]) -> tuple[Record | None, str]:
    """Cut a record down to what a third party may state: some properties, and the nodes that they lead to.

    Args:
        record: what a source says.
        indicators: IRIs of the properties.

    Returns:
        The record with what may be published, None if nothing of it may be, and the N-Triples of the rest.
    """
    allowed = {f"<{iri}>" for iri in indicators}
    lines = record.ntriples.split("\n")[:-1]  # not splitlines: texts hold other kinds of line ends
    parts = [line.split(" ", 2) for line in lines]
    kept = {number for number, (_, predicate, _) in enumerate(parts) if predicate in allowed}
    reached = {parts[number][2].removesuffix(" .") for number in kept}
    growing = True
    while growing:  # each node below is said once, so this ends soon
        more = {n for n, (subject, _, _) in enumerate(parts) if subject in reached and n not in kept}
        kept |= more
        reached |= {parts[number][2].removesuffix(" .") for number in more}
        growing = bool(more)
    rest = "".join(f"{line}\n" for number, line in enumerate(lines) if number not in kept)
    if not kept:
        return None, rest
    ntriples = "".join(f"{line}\n" for number, line in enumerate(lines) if number in kept)
    return replace(record, ntriples=ntriples, opportunities=0, instances=0), rest
