from __future__ import annotations

import pytest

from tests.reference import DOCS, PAGES


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_what_the_code_says(page: str):
    assert (DOCS / page).read_text(encoding="utf-8") == PAGES[page](), "make docs writes it anew"
