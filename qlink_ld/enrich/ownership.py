"""Nobody speaks for somebody else: an education provider may describe its own learning opportunities only.

Source: QualityLink Data Sources and Access Policy, T-01 and T-03 (all sources are education providers so far).
"""

import re

from qlink_ld.model import Record, Result
from qlink_ld.namespaces import DCTERMS, ELM, QL, RDF

_CLAIM = re.compile(rf"^(\S+) <({re.escape(DCTERMS)}publisher|{re.escape(ELM)}providedBy)> (<[^>]*>) \.$", re.MULTILINE)
_REFERENCES = tuple(f"<{QL}LearningOpportunity{kind}Reference>" for kind in ("Specification", "Instance"))


def check_ownership(record: Record, institution_iri: str) -> tuple[Result, ...]:
    """Return a violation for each statement that another institution publishes or provides this record.

    References to opportunities elsewhere name their provider rightly and are left alone.
    """
    own = f"<{institution_iri}>"
    results = []
    for subject, predicate, provider in _CLAIM.findall(record.ntriples):
        if provider == own or any(
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
