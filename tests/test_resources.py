"""Where the declarative files are."""

import pytest

from qlink_ld.resources import find_resource_dir


@pytest.mark.parametrize("name", ["mappings", "shapes", "queries"])
def test_declarative_files_are_found(name: str) -> None:
    assert any(find_resource_dir(name).iterdir())


def test_a_missing_folder_says_what_to_do() -> None:
    with pytest.raises(FileNotFoundError, match="the folder 'nothing' is missing from this installation of qlink-ld"):
        find_resource_dir("nothing")
