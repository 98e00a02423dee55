"""A class of characters holds those of its categories, and no others, in all of Unicode."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from pluglm_preprocessors.words.characters import ASCII, BMP, category_class, highest


@pytest.mark.parametrize("letters", ["M", "P", "LMN"])
@pytest.mark.parametrize("last", [BMP, sys.maxunicode])
def test_every_code_point_is_in_its_class(letters: str, last: int) -> None:
    inside = re.compile(f"[{category_class(letters, last)}]").match
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        assert (inside(character) is not None) == (code <= last and unicodedata.category(character)[0] in letters), code


def test_the_smallest_class_that_has_all_of_a_text() -> None:
    assert [highest(text) for text in ("", "plain", "é", "日本", "a😀")] == [ASCII, ASCII, BMP, BMP, sys.maxunicode]
