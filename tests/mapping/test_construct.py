"""Rules are loaded with what they read, run in two passes, and named when they are wrong."""

from pathlib import Path

import pytest

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.construct import RuleRunner
from qlink_ld.mapping.rules import Rule, load_rules

E = "https://ex.example/"
PREFIX = f"PREFIX ex: <{E}>\nPREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n"


@pytest.fixture
def load(tmp_path: Path) -> object:
    return lambda text, name="rule": load_rule(tmp_path, text, name)


def load_rule(folder: Path, text: str, name: str = "rule") -> Rule:
    file = folder / f"{name}.rq"
    file.write_text(PREFIX + text, encoding="utf-8")
    return load_rules([file])[0]


def run(runner: RuleRunner, data: str) -> list[str]:
    """Return the lines that rules make of N-Triples."""
    by_predicate: dict[str, list[str]] = {}
    for line in data.split("\n")[:-1]:
        by_predicate.setdefault(line.split(" ")[1][1:-1], []).append(f"{line}\n")
    return runner.run(by_predicate)


def names(iris: frozenset[str] | None) -> set[str] | None:
    return None if iris is None else {iri.removeprefix(E) for iri in iris if iri.startswith(E)}


@pytest.mark.parametrize(
    ("pattern", "reads", "needs"),
    [
        ("?s ex:a ?o", {"a"}, {"a"}),
        ("?s ex:a ?o ; ex:b ?p", {"a", "b"}, {"a", "b"}),
        ("?s ex:a ?o OPTIONAL { ?s ex:b ?p }", {"a", "b"}, {"a"}),
        ("?s ex:a ?o MINUS { ?s ex:b ?p }", {"a", "b"}, {"a"}),
        ("{ ?s ex:a ?o } UNION { ?s ex:b ?o }", {"a", "b"}, set()),
        ("?s ex:a ?o FILTER EXISTS { ?s ex:b ?p }", {"a", "b"}, {"a"}),
        ("?s ex:a ?o FILTER NOT EXISTS { ?s ex:b ?p . ?p ex:c ?q }", {"a", "b", "c"}, {"a"}),
        ("?s ex:a ?o BIND(EXISTS { ?s ex:b ?p } AS ?has)", {"a", "b"}, {"a"}),
        ("?s ex:a|ex:b ?o", {"a", "b"}, set()),
        ("?s ex:a/ex:b ?o", {"a", "b"}, None),
        ("?s ^ex:a ?o", {"a"}, None),
        ("?s ex:a+ ?o", {"a"}, set()),
        ("?s !(ex:a) ?o", None, set()),
        ("?s ?p ?o", None, set()),
        ("?s ex:a ?o FILTER EXISTS { ?s ?p ex:x }", None, {"a"}),
        ("{ SELECT ?s WHERE { ?s ex:a ?o } } ?s ex:b ?p", {"a", "b"}, {"a", "b"}),
        ("{ SELECT DISTINCT ?s WHERE { ?s ex:a|ex:b ?o } } ?s ex:c ?p", {"a", "b", "c"}, {"c"}),
        ("VALUES ?o { ex:x } ?s ex:a ?o", {"a"}, {"a"}),
        ("?s ex:a ?code GRAPH <urn:qlink-ld:vocabulary:eqf> { ?o skos:notation ?code }", {"a"}, {"a"}),
    ],
)
def test_a_rule_knows_what_it_reads_and_what_it_needs(
    tmp_path: Path, pattern: str, reads: set[str] | None, needs: set[str] | None
) -> None:
    rule = load_rule(tmp_path, f"CONSTRUCT {{ ?s ex:made ?o }} WHERE {{ {pattern} }}")
    found = names(rule.reads)
    assert found is None if reads is None else found is not None and found >= reads
    assert needs is None or names(rule.needs) == needs


@pytest.mark.parametrize(
    "pattern",
    [
        "?s ex:a|ex:b ?o",
        "?s ex:a/ex:b ?o",
        "?s ^ex:a ?o",
        "?s ex:a+ ?o",
        "?s ex:a* ?o",
        "?s ex:a? ?o",
        "?s !(ex:b) ?o",
        "?s !(^ex:b) ?o",
        "?s (ex:a|!(ex:c)) ?o",
        "?s ex:a ?o FILTER NOT EXISTS { ?s ex:b ?x }",
        "?s ex:a ?o FILTER NOT EXISTS { ?s ?p ex:x }",
        "?s ex:a ?o OPTIONAL { ?o ex:b ?x }",
        "{ SELECT ?s ?o WHERE { ?s ex:a ?o } LIMIT 10 }",
        "{ SELECT ?s (COUNT(?x) AS ?o) WHERE { ?s ex:a ?x } GROUP BY ?s }",
        "{ SELECT ?s (COUNT(?x) AS ?o) WHERE { ?s ex:a ?x } GROUP BY ?s HAVING(COUNT(?x) > 1) }",
        "{ ?s ex:a ?o } UNION { ?o ex:b ?s }",
    ],
)
def test_leaving_out_what_no_rule_reads_changes_nothing(tmp_path: Path, pattern: str) -> None:
    data = [
        ("s1", "a", "s2"),
        ("s2", "b", "x"),
        ("s2", "a", "x"),
        ("s1", "d", "x"),
        ("s1", "c", "s2"),
        ("s1", "a", "x"),
    ]
    rule = load_rule(tmp_path, f"CONSTRUCT {{ ?s ex:made ?o }} WHERE {{ {pattern} }}")
    runner = RuleRunner([rule], [])
    everything = "".join(f"<{E}{s}> <{E}{p}> <{E}{o}> .\n" for s, p, o in data)
    kept = [(s, p, o) for s, p, o in data if runner.reads_predicate(E + p)]
    some = "".join(f"<{E}{s}> <{E}{p}> <{E}{o}> .\n" for s, p, o in kept)
    greedy = RuleRunner([Rule("rule", rule.file, rule.text, None, frozenset(), ())], [])
    assert sorted(run(runner, some)) == sorted(run(greedy, everything))


def test_a_rule_whose_required_predicate_is_absent_is_not_run(tmp_path: Path) -> None:
    # This rule would make a blank node, which is an error: if it is not run, nothing happens.
    rule = load_rule(tmp_path, "CONSTRUCT { ?s ex:made [] } WHERE { ?s ex:a ?o }")
    assert run(RuleRunner([rule], []), f"<{E}s> <{E}b> <{E}o> .\n") == []


def test_blank_nodes_are_refused_with_the_file_and_a_way_out(tmp_path: Path) -> None:
    rule = load_rule(tmp_path, "CONSTRUCT { ?s ex:made [ ex:b ?o ] } WHERE { ?s ex:a ?o }")
    with pytest.raises(BrokenMapping, match=r"rule\.rq: the rule makes blank nodes; give every node an IRI"):
        run(RuleRunner([rule], []), f"<{E}s> <{E}a> <{E}o> .\n")


def test_texts_that_look_like_blank_nodes_are_no_blank_nodes(tmp_path: Path) -> None:
    rule = load_rule(tmp_path, "CONSTRUCT { ?s ex:made ?o } WHERE { ?s ex:a ?o }")
    data = f'<{E}s> <{E}a> "_:b0 _:b1\\n_:b2 \u2028_:b3" .\n'
    assert run(RuleRunner([rule], []), data) == [f'<{E}s> <{E}made> "_:b0 _:b1\\n_:b2 \u2028_:b3" .\n']


def test_common_rules_see_what_the_mapping_s_own_made(tmp_path: Path) -> None:
    own = load_rule(tmp_path, "CONSTRUCT { ?s ex:b ?o } WHERE { ?s ex:a ?o }", "own")
    common = load_rule(tmp_path, "CONSTRUCT { ?s ex:c ?o } WHERE { ?s ex:b ?o }", "common")
    data = f"<{E}s> <{E}a> <{E}o> .\n"
    made = run(RuleRunner([own], [common]), data)
    assert made == [f"<{E}s> <{E}b> <{E}o> .\n", f"<{E}s> <{E}c> <{E}o> .\n"]
    assert run(RuleRunner([common, own], []), data) == [f"<{E}s> <{E}b> <{E}o> .\n"]


def test_vocabularies_are_graphs_of_notations(tmp_path: Path) -> None:
    rule = load_rule(
        tmp_path,
        "CONSTRUCT { ?s ex:level ?c } WHERE { ?s ex:a ?n GRAPH <urn:qlink-ld:vocabulary:eqf> { ?c skos:notation ?n } }",
    )
    assert rule.vocabularies == ("eqf",)
    made = run(RuleRunner([rule], []), f'<{E}s> <{E}a> "6" .\n<{E}t> <{E}a> "99" .\n')
    assert made == [f"<{E}s> <{E}level> <http://data.europa.eu/snb/eqf/6> .\n"]


def test_an_unknown_vocabulary_names_the_rule(tmp_path: Path) -> None:
    rule = load_rule(
        tmp_path, "CONSTRUCT { ?s ex:b ?c } WHERE { ?s ex:a ?n GRAPH <urn:qlink-ld:vocabulary:no> { ?c ?p ?n } }"
    )
    with pytest.raises(BrokenMapping, match=r"rule\.rq: there is no vocabulary 'no'"):
        run(RuleRunner([rule], []), f"<{E}s> <{E}a> <{E}o> .\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CONSTRUCT { ?s ex:a ?o } WHERE { ?s ex:b }", "not a SPARQL query that can be run"),
        ("CONSTRUCT { ?s no:a ?o } WHERE { ?s ex:b ?o }", "not a SPARQL query that can be run"),
        ("SELECT * WHERE { ?s ?p ?o }", "a rule must be a CONSTRUCT query"),
        ("ASK { ?s ?p ?o }", "a rule must be a CONSTRUCT query"),
        ("INSERT DATA { ex:a ex:b ex:c }", "not a SPARQL query that can be run"),
        ("", "not a SPARQL query that can be run"),
    ],
)
def test_a_broken_rule_is_named_with_its_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BrokenMapping, match=words) as raised:
        load_rule(tmp_path, text)
    assert str(tmp_path / "rule.rq") in str(raised.value)


def test_a_missing_rule_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenMapping, match="cannot read this rule"):
        load_rules([tmp_path / "absent.rq"])


def test_a_rule_that_calls_other_servers_fails_with_its_name(tmp_path: Path) -> None:
    rule = load_rule(
        tmp_path, "CONSTRUCT { ?s ex:b ?o } WHERE { ?s ex:a ?x SERVICE <http://127.0.0.1:9/> { ?s ex:c ?o } }"
    )
    with pytest.raises(BrokenMapping, match=r"rule\.rq"):
        run(RuleRunner([rule], []), f"<{E}s> <{E}a> <{E}o> .\n")
