"""Parts and wholes, specifications and instances know each other, whichever of them said so."""

from pyoxigraph import RdfFormat, Store

from qlink_ld.enrich.links import LinkBook
from qlink_ld.model import Record
from qlink_ld.namespaces import ADMS, ELM, QL, RDF, RDFS, SKOS

OWN = "https://example.org/institutions/NL0028"


def make(iri: str, key: str, *lines: str, opportunities: int = 1, instances: int = 0) -> Record:
    return Record(iri, key, "".join(sorted(f"{line} .\n" for line in lines)), "page", opportunities, instances)


def link(iri: str, predicate: str, other: str) -> tuple[str, ...]:
    return (
        f"<{iri}> <{ELM}{predicate}> <{iri}#ref>",
        f"<{iri}#ref> <{RDF}type> <{QL}LearningOpportunitySpecificationReference>",
        f"<{iri}#ref> <{RDFS}seeAlso> <{other}>",
    )


def complete(*records: Record) -> str:
    book = LinkBook(OWN)
    for record in records:
        book.add(record)
    return "".join(book.complete())


def test_the_whole_refers_to_the_part_that_named_it() -> None:
    made = complete(make("urn:x:c", "C/1", *link("urn:x:c", "isPartOf", "urn:x:p")), make("urn:x:p", "P"))
    store = Store()
    store.load(made.encode(), format=RdfFormat.N_TRIPLES)
    question = f"""
      ASK {{ <urn:x:p> <{ELM}hasPart> ?r . ?r a <{QL}LearningOpportunitySpecificationReference> ;
        <{ELM}providedBy> <{OWN}> ; <{RDFS}seeAlso> <urn:x:c> ; <{ADMS}identifier> ?i .
        ?i a <{ELM}Identifier> ; <{SKOS}notation> "C/1" }}"""
    assert store.query(question)
    assert len(store) == 7


def test_the_part_refers_to_the_whole_that_named_it_whoever_comes_first() -> None:
    whole, part = make("urn:x:p", "P", *link("urn:x:p", "hasPart", "urn:x:c")), make("urn:x:c", "C")
    assert complete(whole, part) == complete(part, whole)
    assert f"<urn:x:c> <{ELM}isPartOf> <urn:x:c#isPartOf-P> .\n" in complete(whole, part)


def test_what_both_say_what_is_not_there_and_what_points_to_itself_adds_nothing() -> None:
    both = (
        make("urn:x:p", "P", *link("urn:x:p", "hasPart", "urn:x:c")),
        make("urn:x:c", "C", *link("urn:x:c", "isPartOf", "urn:x:p")),
    )
    assert complete(*both) == ""
    assert complete(make("urn:x:c", "C", *link("urn:x:c", "isPartOf", "urn:x:elsewhere"))) == ""
    assert complete(make("urn:x:c", "C", *link("urn:x:c", "isPartOf", "urn:x:c"))) == ""
    assert complete(make("urn:x:c", "C", f"<urn:x:c> <{ELM}isPartOf> <urn:x:c#ref>"), make("urn:x:p", "P")) == ""


def test_records_that_are_named_by_their_iri_are_known_by_their_code() -> None:
    part = make(
        "urn:x:c#1",
        "urn:x:c#1",
        f"<urn:x:c#1> <{ADMS}identifier> <urn:x:i>",
        f"<urn:x:c#1> <{ADMS}identifier> <urn:x:j>",
        f'<urn:x:i> <{SKOS}notation> "MATH \\"1\\""',
        f'<urn:x:j> <{SKOS}notation> "urn:schac:uniqueCourseId:utwente.nl:A"',
    )
    made = complete(part, make("urn:x:p", "P", *link("urn:x:p", "hasPart", "urn:x:c#1")))
    assert f"<urn:x:c#1> <{ELM}isPartOf> <urn:x:c#1/isPartOf-P> .\n" in made
    made = complete(part, make("urn:x:q", "urn:x:q", *link("urn:x:q", "hasPart", "urn:x:r")), make("urn:x:r", "R"))
    assert f'<urn:x:r#isPartOf-urn%3Ax%3Aq-identifier> <{SKOS}notation> "urn:x:q" .\n' in made


def test_a_specification_learns_of_instances_in_other_files() -> None:
    instance = make(
        "urn:x:i",
        "urn:x:i",
        f"<urn:x:i> <{ELM}learningAchievementSpecification> <urn:x:c>",
        opportunities=0,
        instances=1,
    )
    assert complete(instance, make("urn:x:c", "C")) == f"<urn:x:c> <{ELM}learningOpportunity> <urn:x:i> .\n"
    assert complete(instance) == ""
