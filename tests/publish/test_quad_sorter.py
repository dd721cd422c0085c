"""Records in any order give one order."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlink_ld.errors import PublishError
from qlink_ld.publish.quad_sorter import MAXIMUM_RUNS, QuadSorter

# Names that nest and interlock: …/C1> sorts after …/C1/instances/… and …/C10>.
SUBJECTS = [
    f"https://a.example/courses/X/{name}{tail}"
    for name in ("C1", "C10", "C100", "C2", "C%C3%A9", "Cé", "C\U0001f600", "C\uffee")
    for tail in ("", "#credit", "/instances/1", "/instances/10", "/instances/1#cost")
]
LINE = st.builds(
    lambda s, p, o: f'<{s}> <https://a.example/p{p}> "{o}" .\n',
    st.sampled_from(SUBJECTS),
    st.integers(0, 3),
    st.text(st.characters(codec="utf-8", exclude_characters='\n\r\t"\\'), max_size=3),
)
BLOCK = st.sets(LINE, max_size=12).map(lambda lines: "".join(sorted(lines)))


def sort_all(blocks: list[str], directory: Path, memory_bytes: int) -> str:
    with QuadSorter(directory, memory_bytes) as sorter:
        for block in blocks:
            sorter.add(block)
        return "".join(sorter.merge())


def expected(blocks: list[str]) -> str:
    lines = {line for block in blocks for line in block.split("\n")[:-1]}
    return "".join(f"{line}\n" for line in sorted(lines, key=str.encode))


@settings(max_examples=80, deadline=None)
@given(blocks=st.lists(BLOCK, max_size=15), memory_bytes=st.sampled_from([1, 200, 3000, 1_000_000]))
def test_all_lines_come_out_sorted_by_bytes_and_distinct(
    blocks: list[str], memory_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert sort_all(blocks, tmp_path_factory.getbasetemp(), memory_bytes) == expected(blocks)


def make_blocks(count: int) -> list[str]:
    blocks = []
    for number in range(count):
        iri = f"https://a.example/courses/X/C{number}"
        lines = [f'<{iri}> <https://a.example/p> "{k} of {number}" .\n' for k in range(20)]
        lines += [f"<{iri}#n{k}> <https://a.example/p> <{iri}/instances/{k}> .\n" for k in range(20)]
        lines += ["<https://a.example/shared> <https://a.example/p> <https://a.example/o> .\n"]
        blocks.append("".join(sorted(lines)))
    return blocks


def test_the_order_of_records_does_not_matter(tmp_path: Path) -> None:
    blocks = make_blocks(300)
    wanted = expected(blocks)
    generator = random.Random(4)
    for memory_bytes in (2_000, 50_000, 10_000_000):
        generator.shuffle(blocks)
        assert sort_all(blocks, tmp_path, memory_bytes) == wanted


def test_more_runs_than_may_be_open_are_merged_in_levels(tmp_path: Path) -> None:
    blocks = make_blocks(MAXIMUM_RUNS * 3 + 5)
    random.Random(5).shuffle(blocks)
    assert sort_all(blocks, tmp_path, 1) == expected(blocks)


def test_runs_longer_than_a_read_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlink_ld.publish.quad_sorter.READ_BYTES", 300)
    blocks = make_blocks(200)
    random.Random(6).shuffle(blocks)
    assert sort_all(blocks, tmp_path, 20_000) == expected(blocks)


def test_nothing_is_left_on_disk(tmp_path: Path) -> None:
    sorter = QuadSorter(tmp_path, 1)
    for block in make_blocks(5):
        sorter.add(block)
    assert list(tmp_path.iterdir()) == []
    sorter.close()
    assert list(sorter.merge()) == []


def test_a_block_without_final_line_feed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="line feed"):
        QuadSorter(tmp_path).add("<https://a.example/s> <https://a.example/p> <https://a.example/o> .")


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    sorter = QuadSorter(tmp_path / "absent", 1)
    with pytest.raises(PublishError, match="absent"):
        sorter.add(make_blocks(1)[0])
