"""The English of the pages is whole: nothing that the code says is missing, doubtful or filled otherwise."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from core.web import translate


@pytest.fixture(scope="module")
def english() -> Any:
    return translate.read()


def test_every_sentence_of_the_code_has_english(english: Any) -> None:
    said = {message.id for message in translate.extract() if message.id}
    kept = {message.id for message in english if message.id}
    assert sorted(said - kept) == [], "run: python -m core.web.translate update"
    assert sorted(kept - said) == [], "run: python -m core.web.translate update"


def test_none_is_empty_doubtful_or_filled_with_other_values(english: Any) -> None:
    assert translate.faults(english) == []


def test_the_compiled_file_is_current(english: Any) -> None:
    assert translate.MO.read_bytes() == translate.compiled(english), "run: python -m core.web.translate compile"


def test_faults_are_found(english: Any) -> None:
    catalog = translate.read(Path("no-such-file"))
    catalog.add("收到 %(n)s 件", "received")
    catalog.add("确定", "")
    doubtful = catalog.add("好", "good")
    doubtful.flags.add("fuzzy")
    catalog.add("共 %(n)s 件", "%(n)s in all")
    assert [line.split(":")[0] for line in translate.faults(catalog)] == ["other values", "no English", "doubtful"]


def test_constants_that_pages_translate_are_extracted() -> None:
    source = 'class Wrong(Exception):\n    message = "错"\n\nREASONS = {"a": "甲", "b": "b"}\nname = "名"\n'
    found = translate.extract_source(io.BytesIO(source.encode()), {}, (), {})
    assert {text for _line, _name, text, _comments in found} == {"错", "甲"}


def test_a_page_is_english_when_asked(client: Any) -> None:
    page = client.get("/?lang=en").get_data(as_text=True)
    assert 'lang="en"' in page
    assert "Submit a request" in page
    assert "Submit a request" in client.get("/").get_data(as_text=True), "the choice is kept"
    assert "我要反映" in client.get("/?lang=zh").get_data(as_text=True)


def test_an_error_is_english_when_asked(client: Any) -> None:
    page = client.get("/replies/no-such-reply?lang=en")
    assert page.status_code == 404
    assert "not found" in page.get_data(as_text=True)
