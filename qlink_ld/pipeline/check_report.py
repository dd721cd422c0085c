"""A dry run for the data steward, as text to read within a minute; and for machines, as JSON or RDF."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from textwrap import fill
from typing import TypeVar

from pyoxigraph import RdfFormat, parse, serialize

from qlink_ld.model import FieldUse, HarvestReport, Issue
from qlink_ld.namespaces import PREFIXES
from qlink_ld.pipeline.check import Check, Finding, Found
from qlink_ld.pipeline.recognise import Kind, own_type
from qlink_ld.pipeline.records import PROVIDER_PATHS

SHOWN = 12  # kinds of findings in a list, fields in a list; JSON has all
_EXAMPLE_LENGTH = 70
_WORDS = {  # what became of a field, worst first
    "dropped": "left out, because the value cannot be used",
    "unmapped": "not published, because the mapping does not know them",
    "ignored": "left out on purpose",
}
_Item = TypeVar("_Item")


def render_text(check: Check) -> str:
    """Say what was found, what would be published, what refused and why, what became of fields, and what to do next."""
    lines = [_head(check), ""]
    report = check.report
    if report is None:
        lines += [f"Nothing could be had: {check.error}", ""]
    elif check.looks_like is not None:  # what is said of its records would be wrong
        lines += [*_found(check), ""]
    else:
        lines += [*_found(check), "", _outcome(report), ""]
        lines += _section("Refused, commonest first", check.refusals, _write_finding)
        issues = [issue for issue in report.issues if issue.severity != "info" and issue.code not in _REFUSALS]
        lines += _section("Worth correcting, published nevertheless", check.warnings, _write_finding)
        lines += _section("Noticed while reading and mapping", sorted(issues, key=lambda i: -i.count), _write_issue)
        lines += _fields(report.fields)
    return "\n".join([*lines, "What next", *(f"  - {line}" for line in advise(check))]) + "\n"


def render_json(check: Check) -> str:
    """Write all of it as one JSON document."""
    report = check.report
    document = {
        "source": {
            "url": check.source.path,
            "type": check.source.type,
            "version": check.source.version,
            "mapping": check.mapping,
        },
        "institution": check.institution.id,
        "error": check.error,
        "sampled": check.sampled,
        "found": [asdict(entry) for entry in check.found],
        "harvested": report.harvested if report else 0,
        "would_be_published": report.published if report else 0,
        "would_be_refused": report.refused if report else 0,
        "instances": report.instances if report else 0,
        "refusals": [asdict(finding) for finding in check.refusals],
        "warnings": [asdict(finding) for finding in check.warnings],
        "issues": [asdict(issue) for issue in report.issues] if report else [],
        "fields": [asdict(use) for use in report.fields] if report else [],
        "looks_like": {
            "type": check.looks_like.type,
            "version": check.looks_like.version,
            "name": check.looks_like.name,
        }
        if check.looks_like
        else None,
        "next": advise(check),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _describe_kind(kind: Kind | None) -> dict[str, str | None] | None:
    return None if kind is None else {"type": kind.type, "version": kind.version, "name": kind.name}


def render_turtle(check: Check) -> str:
    """Write the report graph that a run would publish."""
    triples = (quad.triple for quad in parse(check.graph.encode(), format=RdfFormat.N_TRIPLES))
    return (serialize(triples, format=RdfFormat.TURTLE, prefixes=PREFIXES) or b"").decode()


def advise(check: Check) -> list[str]:
    """Say what to do next, the most important first."""
    report, looks_like = check.report, check.looks_like
    if looks_like is not None and not looks_like.type:
        body = ", ".join(looks_like.resources)
        how = f"see mappings/README.md, then check again with --type {own_type(looks_like)} --mapping FOLDER"
        return [f"This is {body} of no standard format. A mapping folder of your own makes it readable: {how}"]
    if looks_like is not None:
        version = f" --version {looks_like.version}" if looks_like.version else ""
        pages = ", ".join(sorted(looks_like.resources))
        again = f"Check again with --type {looks_like.type}{version}"
        return [f"This looks like {looks_like.name}, not {_stated(check)}: it has {pages}. {again}"]
    if report is None and "credentials" in (check.error or ""):
        return ["Give what the provider told you for access, as --header 'Authorization=Bearer …', and check again"]
    if report is None:
        return ["Correct the address, or ask the provider; then check again"]
    if not report.harvested:
        return ["There is not one learning opportunity in it. Ask the provider, or check the address"]
    advice = []
    if check.refusals:
        most = check.refusals[0]
        about = f" ({most.field})" if most.field else ""
        advice.append(
            f"Correct what is under “Refused”, at the source; the first entry alone{about} concerns "
            f"{_count(most.records, 'record')}"
        )
        others = _about_providers(check)
        advice += others
        if not report.published and not others:
            advice.append(
                'What the source cannot say, it cannot correct: on_violation = "publish" of an [[institution]] in '
                "qlink.toml publishes its records nevertheless, and reports what they lack"
            )
    if any(use.outcome == "unmapped" for use in report.fields):
        advice.append("Fields that are not known to the mapping can be added to a copy of it: see mappings/README.md")
    if check.sampled:
        advice.append("This was a sample; --all looks at everything")
    if report.published:
        advice.append("To harvest it, put this below its [[institution]] in qlink.toml:\n\n" + _configure(check))
    return advice


def _about_providers(check: Check) -> list[str]:
    """Whoever checks a file whose university has an IRI of its own there must say so."""
    named = {finding.value for finding in check.refusals if finding.path in PROVIDER_PATHS and finding.value}
    if len(named) != 1:
        return []
    (iri,) = named
    say = f'same_as = ["{iri}"] of its [[institution]] in qlink.toml'
    return [f"If {iri} is this institution, say so: {say}; then check again with --institution"]


_REFUSALS = frozenset({"record-unreadable", "record-without-identifier"})  # listed among the refused


def _head(check: Check) -> str:
    source, institution = check.source, check.institution
    return f"{source.path}\nread as {check.mapping} ({_stated(check)}), for {institution.name}"


def _stated(check: Check) -> str:
    return f"{check.source.type} {check.source.version or ''}".rstrip()


def _found(check: Check) -> Iterator[str]:
    yield "Found" + (" (a sample)" if check.sampled else "")
    width = max((len(entry.resource) for entry in check.found), default=0)
    for entry in check.found:
        yield f"  {entry.resource:<{width}}  {_describe(entry)}"


def _describe(entry: Found) -> str:
    size = f"{entry.size_bytes:,} bytes on {_count(entry.pages, 'page')}"
    if entry.records is None:
        return size
    more = (f" of about {entry.total:,}" if entry.total else " of more") if entry.sampled else ""
    return f"{_count(entry.records, 'record')}{more}, {size}"


def _outcome(report: HarvestReport) -> str:
    if not report.harvested:
        return "No learning opportunities."
    all_of = "All " if not report.refused else f"{report.published:,} of "
    line = (
        f"{all_of}{_count(report.harvested, 'learning opportunity', 'learning opportunities')} would be published, "
        f"with {_count(report.instances, 'instance')}"
    )
    return f"{line}; {report.refused:,} would be refused." if report.refused else f"{line}."


def _section(title: str, items: Sequence[_Item], write: Callable[[_Item], Iterable[str]]) -> list[str]:
    if not items:
        return []
    lines = [title, *(line for item in items[:SHOWN] for line in write(item))]
    if len(items) > SHOWN:
        lines.append(f"  … and {len(items) - SHOWN} more kinds; --report json has them all")
    return [*lines, ""]


def _write_finding(finding: Finding) -> Iterator[str]:
    yield f"  {finding.records:>5,}×  {f'{finding.field}: ' if finding.field else ''}{finding.message}"
    key = "a record without a key" if finding.key in ("", "None") else _shorten(finding.key)
    name = f"“{_shorten(finding.title)}” ({key})" if finding.title else key
    yield f"          for example {name}, {finding.position}"
    if finding.value is not None:
        yield f"          found: {_shorten(finding.value)}"


def _write_issue(issue: Issue) -> Iterator[str]:
    yield f"  {issue.count:>5,}×  {f'{issue.field}: ' if issue.field else ''}{issue.message}"
    if issue.value or issue.position:
        where = f", {issue.position}" if issue.position else ""
        yield f"          for example {_shorten(issue.value or issue.record or '')!r}{where}"


def _fields(fields: Sequence[FieldUse]) -> Iterator[str]:
    by_outcome: dict[str, list[FieldUse]] = {}
    for use in sorted(fields, key=lambda use: (-use.count, use.resource, use.path)):
        by_outcome.setdefault(use.outcome, []).append(use)
    mapped = by_outcome.get("mapped", [])
    yield f"Fields: {_count(len({(use.resource, use.path) for use in mapped}), 'field')} mapped"
    for resource in dict.fromkeys(use.resource for use in sorted(mapped, key=lambda use: use.resource)):
        paths = sorted({use.path for use in mapped if use.resource == resource})
        yield fill(f"{resource}: {', '.join(paths)}", 110, initial_indent="  ", subsequent_indent="    ")
    for outcome, meaning in _WORDS.items():
        if uses := by_outcome.get(outcome):
            yield f"  {_count(len(uses), 'field')} {meaning}:"
            for use in uses[:SHOWN]:
                reason = f": {use.reason}" if use.reason else ""
                example = f" (for example {_shorten(use.example)!r})" if use.example else ""
                yield f"    {use.count:>5,}×  {use.resource}.{use.path}{reason}{example}"
            if len(uses) > SHOWN:
                yield f"           … and {len(uses) - SHOWN} more; --report json has them all"
    yield ""


def _configure(check: Check) -> str:
    source = check.source
    settings = [("id", source.type), ("type", source.type), ("version", source.version), ("path", source.path)]
    settings.append(("mapping", source.mapping))
    stated = [f"      {name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings if value]
    return "\n".join(["      [[institution.source]]", *stated])


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXAMPLE_LENGTH else f"{line[: _EXAMPLE_LENGTH - 1]}…"
