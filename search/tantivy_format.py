"""How tantivy holds our documents: its fields, and our values and queries in its terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tantivy
from tantivy import Document, Index, Occur, Query, Searcher, TextAnalyzerBuilder, Tokenizer

from search.engine import KEYWORDS, Filters, IndexedDocument, Terms

FORMAT = "1"
"""Part of every folder's name: raised when fields change, so that an index of an older make is rebuilt."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("version", stored=True, fast=True)
    builder.add_integer_field("day", fast=True)
    builder.add_text_field("tokens", tokenizer_name="blanks", index_option="freq")
    builder.add_text_field("sounds", tokenizer_name="raw", index_option="basic")
    for name in KEYWORDS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    return builder.build()


SCHEMA = _schema()


def open_folder(folder: Path) -> Index:
    """Open or create the index in a folder, with our tokenizer; seen afresh on reload only."""
    index = Index(SCHEMA, str(folder))
    index.register_tokenizer("blanks", TextAnalyzerBuilder(Tokenizer.whitespace()).build())
    index.config_reader("manual")
    return index


def term(token: str) -> Query:
    """Documents that hold a token, by BM25."""
    return Query.term_query(SCHEMA, "tokens", token, index_option="freq")


def keyword(name: str, value: str) -> Query:
    """Documents with an exact value."""
    return Query.term_query(SCHEMA, name, value, index_option="basic")


def document_of(document: IndexedDocument) -> Document:
    """Our document as tantivy takes it."""
    made = Document()
    made.add_text("id", document.id)
    made.add_integer("version", document.version)
    made.add_integer("day", document.day)
    made.add_text("tokens", document.tokens)
    for sound in document.sounds:
        made.add_text("sounds", sound)
    for name, values in document.keywords.items():
        for value in values:
            made.add_text(name, value)
    return made


def query_of(terms: Terms, filters: Filters) -> Query:
    """Terms and filters as one query; only the terms give a score. Raises ValueError for an unknown filter."""
    parts: list[tuple[Occur, Query]] = []
    if terms.weights:
        should = [(Occur.Should, Query.boost_query(term(token), weight)) for token, weight in terms.weights.items()]
        parts.append((Occur.Must, Query.boolean_query(should, min(max(terms.at_least, 1), len(should)))))
    else:
        parts.append((Occur.Must, Query.const_score_query(Query.all_query(), 0.0)))
    for name, values in filters.items():
        if name not in KEYWORDS:
            raise ValueError(f"unknown filter {name!r}")
        allowed = Query.term_set_query(SCHEMA, name, list(values)) if values else Query.empty_query()
        parts.append((Occur.Must, Query.const_score_query(allowed, 0.0)))
    return Query.boolean_query(parts)


def count_of(found: tantivy.SearchResult) -> int:
    """The number of all results."""
    return int(found.count)  # type: ignore[attr-defined]


def facets_of(searcher: Searcher, query: Query, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Counts by facet and value over all results of a query."""
    if not names:
        return {}
    wanted = {name: {"terms": {"field": name, "size": 100}} for name in names if name in KEYWORDS}
    answer = searcher.aggregate(query, wanted)
    return {name: {b["key"]: b["doc_count"] for b in part["buckets"]} for name, part in answer.items()}
