import re

import pytest

from qlink_ld.demo.texts import LEVELS, SUBJECTS, load_texts, text_languages


@pytest.mark.parametrize("language", text_languages())
def test_every_language_has_all_texts(language: str) -> None:
    texts = load_texts(language)
    english = load_texts("en")
    assert texts.keys() == english.keys()
    assert texts["variants"].keys() == LEVELS.keys()
    for key in ("methods", "assessment", "requirements", "enrollment"):
        assert len(texts[key]) == len(english[key])
    assert texts["subjects"].keys() == {subject.key for subject in SUBJECTS} | {"languages"}
    for name, area in texts["subjects"].items():
        assert {part: len(values) for part, values in area.items()} == {
            part: len(values) for part, values in english["subjects"][name].items()
        }


@pytest.mark.parametrize("language", text_languages())
def test_the_only_gap_in_a_text_is_the_topic(language: str) -> None:
    assert re.findall(r"{(\w*)}", str(load_texts(language)["focus"])) == ["topic"]


@pytest.mark.parametrize("language", [language for language in text_languages() if language != "en"])
def test_no_sentence_is_left_in_english(language: str) -> None:
    english = load_texts("en")
    texts = load_texts(language)
    assert not set(texts["methods"]) & set(english["methods"])
    for subject in SUBJECTS:
        assert not set(texts["subjects"][subject.key]["outcomes"]) & set(english["subjects"][subject.key]["outcomes"])
