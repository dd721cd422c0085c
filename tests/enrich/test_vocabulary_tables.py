"""Vocabularies are made from tables, and the committed ones are what the generator makes."""

import subprocess
import sys
from pathlib import Path

from qlink_ld.enrich.vocabulary_tables import write_vocabulary
from qlink_ld.vocabularies import vocabulary_files


def test_the_committed_files_are_what_the_generator_makes(shared: Path, tmp_path: Path) -> None:
    tables = shared / "reference" / "vocabularies"
    done = subprocess.run(
        [sys.executable, "-m", "qlink_ld.enrich.vocabulary_tables", tables, tmp_path], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_bytes() for file in vocabulary_files()}


def test_rows_become_sorted_concepts(tmp_path: Path) -> None:
    table = tmp_path / "eqf.tsv"
    table.write_text(
        'iri\tcode\tlabel_en\tbroader\nurn:b\tB\tThe "second"\turn:a\nurn:a\tA\tFirst\t\n', encoding="utf-8"
    )
    broader = "; skos:broader <urn:a> ."
    scheme = "<http://data.europa.eu/snb/eqf/25831c2>"
    assert write_vocabulary(table).endswith(
        f"""
{scheme} a skos:ConceptScheme .
<urn:a> a skos:Concept ; skos:inScheme {scheme} ; skos:prefLabel "First"@en ; skos:notation "A" .
<urn:b> a skos:Concept ; skos:inScheme {scheme} ; skos:prefLabel "The \\"second\\""@en ; skos:notation "B" {broader}
"""
    )
