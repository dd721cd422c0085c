"""Other learning opportunities as the profile wants them named: by a reference with provider and local identifier.

Files point from a course to its programme itself. The profile wants a reference node there, which stands for an
opportunity that is known by its provider and its code only; `rdfs:seeAlso` leads on to the opportunity. Here too is the
identifier that QualityLink gives to a course, made of SCHAC code and local code.

Source: profile 0.4.0 (references; validation facts, no. 10); QualityLink Course Identifier (C-05 to C-11).
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.heads import Heads
from qlink_ld.mapping.rdf_forms import compact
from qlink_ld.mapping.rdf_terms import Node, is_iri, read_value
from qlink_ld.mapping.skolem import Description
from qlink_ld.model import Institution
from qlink_ld.namespaces import (
    ADMS,
    DCTERMS,
    ELM,
    OWL,
    QL,
    RDF,
    RDFS,
    SKOS,
    course_urn,
    encode_segment,
    read_course_identifier,
)
from qlink_ld.ntriples import write_literal

REFERENCES = frozenset((f"{QL}LearningOpportunitySpecificationReference", f"{QL}LearningOpportunityInstanceReference"))


class PartReferences:
    """Names the learning opportunities that those of one file point to.

    Args:
        institution: whose file it is.
        own: its node.
        heads: names the file's specifications.
        description: the file's triples by subject.
        specifications: those in the file.
        account: takes what is to be told.
    """

    def __init__(
        self,
        institution: Institution,
        own: Node,
        heads: Heads,
        description: Description,
        specifications: Sequence[Node],
        account: Account,
    ) -> None:
        self._institution = institution
        self._own = own
        self._heads = heads
        self._description = description
        self._specifications = frozenset(specifications)
        self._account = account
        self._schac = (institution.schac or "").lower()
        self._schacs = {self._schac, *(code.lower() for code in institution.previous_schac)} - {""}
        hosts = (self._schac, (urlsplit(institution.website or "").hostname or "").removeprefix("www."))
        self._hosts = tuple(host for host in hosts if "." in host)
        self._by_code: dict[str, Node | None] = {}  # None: several have it
        for node in specifications:
            for code in heads.find_codes(node):
                self._by_code[code] = node if code not in self._by_code else None

    def refer(self, name: Node, predicate: str, value: Node) -> list[str] | None:
        """Return the lines that refer to another learning opportunity; None if the link stays as it is.

        Args:
            name: the learning opportunity that points to the other.
            predicate: by which property.
            value: the other, as the file has it.
        """
        if value in self._specifications:
            target = self._heads.name(value)
            code = self._heads.find_code(value) or target[1:-1]
            return self._write(name, predicate, code, self._find_provider(value), target)
        if value in self._description or not is_iri(value):
            return None
        iri = value[1:-1]
        known = read_course_identifier(iri)
        if known is not None and known[0] in self._schacs:
            return self._write(name, predicate, known[1], self._own, value)
        host = (urlsplit(iri).hostname or "").lower()
        if any(host == own or host.endswith(f".{own}") for own in self._hosts):
            return self._write(name, predicate, iri, self._own, value)
        self._account.report(
            "part-unknown",
            "A learning opportunity points to another one that the file does not describe, and whose provider and code "
            "are not known. Add a ql:LearningOpportunitySpecificationReference with both.",
            field=compact(predicate),
            value=iri,
            record=name[1:-1],
        )
        return None

    def complete(self, node: Node, name: str) -> Iterator[str]:
        """Yield where a reference in the file leads, if its code is that of one specification there."""
        code = self._heads.find_code(node)
        target = self._by_code.get(code) if code is not None else None
        providers = {value for p, value in self._description.get(node, ()) if p == f"{ELM}providedBy"}
        if target is not None and providers <= {self._own}:
            yield f"{name} <{RDFS}seeAlso> {self._heads.name(target)} .\n"

    def identify(self, node: Node, name: Node) -> Iterator[str]:
        """Yield the QualityLink course identifier of a specification, if it is certain.

        It is certain if the specification has it in either form, or has one local code, which no other in the file has.
        """
        codes = self._heads.find_codes(node)
        same = {read_value(v) for p, v in self._description.get(node, ()) if p == f"{OWL}sameAs"}
        iri = name[1:-1]
        stated = {code: known for code in (iri, *sorted(codes | same)) if (known := read_course_identifier(code))}
        for text, (schac, _) in stated.items():
            if self._schac and schac not in self._schacs:
                self._account.report(
                    "course-identifier-foreign",
                    f"A course identifier has another SCHAC code than the institution's ({self._schac}); it is kept.",
                    value=text,
                    record=iri,
                )
        if stated:
            urn = course_urn(*next(iter(stated.values())))
        elif self._schac and len(codes) == 1 and self._by_code.get(next(iter(codes))) == node:
            urn = course_urn(self._schac, next(iter(codes)))
        else:
            return
        if urn not in codes:
            identifier = f"<{below(iri, 'courseIdentifier')}>"
            yield f"{name} <{ADMS}identifier> {identifier} .\n"
            yield f"{identifier} <{RDF}type> <{ELM}Identifier> .\n"
            yield f"{identifier} <{SKOS}notation> {write_literal(urn)} .\n"
            yield f'{identifier} <{ELM}schemeName> "uniqueCourseId" .\n'
        if urn != iri:
            yield f"{name} <{OWL}sameAs> <{urn}> .\n"

    def _find_provider(self, node: Node) -> Node:
        found = sorted(
            value
            for predicate, value in self._description.get(node, ())
            if predicate == f"{DCTERMS}publisher" and is_iri(value)
        )
        return found[0] if len(found) == 1 else self._own

    def _write(self, name: Node, predicate: str, code: str, provider: Node, target: Node) -> list[str]:
        local = predicate.replace("#", "/").rpartition("/")[2]
        reference = below(name[1:-1], f"{local}-{encode_segment(code)}")
        return [
            f"{name} <{predicate}> <{reference}> .\n",
            f"<{reference}> <{RDF}type> <{QL}LearningOpportunitySpecificationReference> .\n",
            f"<{reference}> <{ELM}providedBy> {provider} .\n",
            f"<{reference}> <{RDFS}seeAlso> {target} .\n",
            f"<{reference}> <{ADMS}identifier> <{reference}-identifier> .\n",
            f"<{reference}-identifier> <{RDF}type> <{ELM}Identifier> .\n",
            f"<{reference}-identifier> <{SKOS}notation> {write_literal(code)} .\n",
        ]


def below(iri: str, path: str) -> str:
    """Return the IRI of a node inside another one."""
    return f"{iri}{'/' if '#' in iri else '#'}{path}"
