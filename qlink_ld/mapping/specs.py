"""What a mapping folder can say: the values that `folder_reader` makes of `mapping.toml`, for all of the room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qlink_ld.mapping.body import BodySpec
from qlink_ld.mapping.forms import Forms, ValueForm
from qlink_ld.mapping.paths import OuterPath
from qlink_ld.mapping.paths import Path as MemberPath
from qlink_ld.mapping.rules import Rule


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A key whose values are nodes of their own."""

    classes: tuple[str, ...] = ()
    value: str | None = None  # the member under which a bare value goes
    whole: bool = False  # a list is one value
    join: str | None = None  # the parts of a list become one text
    members: tuple[str, ...] = ()  # the node gathers these sibling keys
    prefer: tuple[str, ...] = ()  # of several objects: a member, then the values that win, best first
    fragment: str | None = None  # instead of the key, in the node's IRI
    named_by: str | None = None  # the member that, instead of its place in the list, names a node in its IRI
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReferenceSpec:
    """A key that holds ids of other learning opportunities."""

    resource: str
    identifier: str
    scheme: str | None = None  # the name of the id's scheme, if not the member's own


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Pages of another resource whose records belong to one record: offerings of a course, courses of a programme."""

    resource: str
    records: str
    identifier: str
    key: str
    classes: tuple[str, ...] = ()
    inherit: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    omit_equal: tuple[str, ...] = ()
    parent: str | None = None  # path in a child to its record's id, where pages do not say whose children they list
    skip: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # children with these values are not loaded
    page: str | None = None  # the page that holds them, beside others
    within: MemberPath | None = None  # the way from the record to its children, which it holds itself
    members: tuple[str, ...] = ()  # members of the record that make one child
    copies: tuple[str, ...] = ()  # members that such a child has as well as the record
    keyed_by: str | None = None  # the children are an object, and this member takes the key of each
    match: Mapping[str, str] = field(default_factory=dict)  # of those within, the ones with the record's values
    outer: Mapping[str, OuterPath] = field(default_factory=dict)  # members that a child takes from what surrounds it
    identifier_parts: tuple[MemberPath, ...] = ()  # what its identifier is made of, if it is no member
    numbered: bool = False  # it has none: its place in the list


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """A key whose id, or list of ids, stands for records of another resource."""

    key: str
    resource: str
    identifier: str
    take: tuple[str, ...]
    shared: bool = False  # one node for all who name it, for rules only; else its members go into the record
    into: str | None = None  # the key under which what was found goes, if not the same
    always: bool = False  # every record of the resource is there for the rules, whoever names it
    records: str | None = None  # where they are in a page, if no [[resource]] says so
    page: str | None = None  # the page that holds them, if no [[resource]] says so


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One kind of page: where its records are and what they become."""

    name: str
    records: str
    identifier: str
    context: Any
    classes: tuple[str, ...]
    constants: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()  # records that have one of these members are left out
    institution: bool = False  # its records describe the institution itself
    children: ChildSpec | None = None
    parts: ChildSpec | None = None
    nodes: Mapping[str, NodeSpec | None] = field(default_factory=dict)
    missing: Mapping[str, Any] = field(default_factory=dict)  # what a record means that lacks these members
    keyed_by: str | None = None  # the records are an object, and this member takes the key of each
    skip: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # records with these values are not loaded
    language: str | None = None  # the member that holds the language of texts that carry none
    single: bool = False  # an object in place of the list of records is one record
    repeats: bool = False  # the same record comes on several pages, and the first one says all
    page_parent: str | None = None  # the member that takes whose list the page is
    page: str | None = None  # the page that holds them, beside others: of a document with several kinds of records
    path: MemberPath = ()  # the way from the root of that page to the records
    outer: Mapping[str, OuterPath] = field(default_factory=dict)  # members that a record takes from what surrounds it
    merge: bool = False  # records with the same identifier are parts of one
    collect: tuple[str, ...] = ()  # members of which such a record has all values
    identifier_parts: tuple[MemberPath, ...] = ()  # what its identifier is made of, if it is no member
    context_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MappingFolder:
    """Everything that a mapping folder says."""

    name: str
    title: str
    folder: Path
    source_type: str
    source_version: str | None
    resources: tuple[ResourceSpec, ...]
    joins: Mapping[str, JoinSpec]
    references: Mapping[str, ReferenceSpec]
    nodes: Mapping[str, NodeSpec]
    day_end: frozenset[str]
    language_tags: frozenset[str]  # keys whose codes are language tags: the primary subtag counts
    ignore: Mapping[str, str]
    ignore_resources: Mapping[str, str]
    rules: tuple[Rule, ...]
    common_rules: tuple[Rule, ...]
    drop: Mapping[str, str] = field(default_factory=dict)  # predicates of an RDF source that are left out, with reasons
    datatypes: Mapping[str, str] = field(default_factory=dict)  # of an RDF source's properties, by IRI
    elm_terms: tuple[str, ...] = ()
    body: BodySpec | None = None  # how one page is read that holds everything; None: pages are JSON, each of one kind
    then: str | None = None  # the mapping for RDF that goes on with what this one makes: its document is a graph
    forms: Forms = field(default_factory=Forms)  # how numbers, dates and truth values are written
    values: Mapping[str, ValueForm] = field(default_factory=dict)  # what is done with the values of a member or path
    fold_case: frozenset[str] | None = frozenset()  # keys whose codes are known in any case; None: all

    @property
    def is_graph(self) -> bool:
        """Whether its documents are graphs, whose records point to each other: RDF, or what says the same."""
        return not self.resources or self.then is not None
