"""The one query path of portal, desk, chat and command: from what a person typed to ranked replies.

Typed text is folded, question words are dropped, what is left becomes tokens; a word that nobody used but that sounds
like a common one is repaired and the repair is told.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search.engine import Filters, Hit, Page, Reader, Terms
from search.tokens import PAIR_MARK, cut, fold, is_han, pairs, sound, spans, tokens

LONGEST = 120
"""Characters of a query that are looked at; people paste whole letters into search boxes."""
STOP_WORDS = frozenset(
    """
    的 了 吗 呢 吧 啊 呀 嘛 么 是 在 有 和 与 及 或 就 都 也 还 又 很 我 你 您 他 她 它 我们 你们 他们
    咱们 请 请问 问 想问 咨询 一下 想 要 想要 需要 可以 能 能否 能不能 可否 可不可以 会 会不会 应该 什么
    啥 什么样 什么时候 何时 几时 怎么 怎么样 怎么办 怎样 如何 咋 咋办 哪 哪里 哪儿 哪个 哪些 哪家 多少
    多久 几 几个 几天 为什么 为何 为啥 是否 是不是 有没有 有无 没有 关于 对于 这 那 这个 那个 这里 那里
    这种 那种 被 把 给 让 到 去 来 从 对 向 个 里 上 下 呵呵 你好 您好 谢谢 谁 需 办 该 由 于 之 为 而
    且 但 但是 因为 所以 如果
    """.split()  # noqa: SIM905
)
LEAST_COVERED, SURELY_COVERED, KNOWN_SHARE = 0.3, 0.6, 0.9
"""When a query counts as answered: see `_answered`; how they were found: docs/research/search.md."""
LOOKED_AT = 10
SURE_SHARE = 0.2
RARE, COMMON = 2, 5
FACETS = ("category1", "organisation", "year")


@dataclass(frozen=True)
class Results:
    """What a page shows: `query` as typed; `suggestion` is the repaired text that was searched instead, or ""."""

    query: str
    total: int
    items: tuple[Hit, ...]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    suggestion: str = ""
    answered: bool = False


def search_replies(
    reader: Reader,
    typed: str,
    filters: Filters | None = None,
    page: Page | None = None,
    *,
    exact: bool = False,
    newest: bool = False,
    at_least: float = SURE_SHARE,
) -> Results:
    """The replies for what a person typed.

    `filters`: category1, category2, organisation, area, year -> allowed values. `exact` turns the repair off ("仍按原文
    查找"), `newest` puts the latest first. `at_least`: share of the query's tokens a reply must hold.
    Never fails because of what was typed; raises SearchUnavailable where no index answers.
    """
    filters, page = filters or {}, page or Page()
    folded = fold(typed[:LONGEST])
    suggestion = "" if exact else repaired(reader, folded)
    terms = terms_of(suggestion or folded, at_least)
    if typed.strip() and not terms.weights:
        return Results(typed, 0, ())
    hits = reader.search(terms, filters, page, facets=FACETS, newest=newest)
    answered = bool(hits.items) and (page.offset > 0 or _answered(reader, terms, hits.items[:LOOKED_AT]))
    return Results(typed, hits.total, hits.items, hits.facets, suggestion, answered)


def pieces(folded: str) -> list[str]:
    """The runs of neighbouring words that are no question words; all words where nothing else is left."""
    kept: list[str] = []
    last_end = -1
    for word, start, end in spans(folded):
        if word in STOP_WORDS:
            continue
        if start == last_end:
            kept[-1] += word
        else:
            kept.append(word)
        last_end = end
    return kept or cut(folded)


def terms_of(folded: str, at_least: float = 0.0) -> Terms:
    """A folded query as weighted tokens; a token that comes twice weighs twice."""
    counted = Counter(token for piece in pieces(folded) for token in tokens(piece))
    return Terms(dict(counted), max(1, math.floor(len(counted) * at_least)))


def repaired(reader: Reader, folded: str) -> str:
    """The query with unheard-of words replaced by common ones of the same sound, or "" when none is."""
    words = [(word, start, end) for word, start, end in spans(folded) if is_han(word)]
    changes: list[tuple[int, int, str]] = []
    at = 0
    while at < len(words):
        found = _repair_at(reader, folded, words, at)
        if found is None:
            at += 1
            continue
        width, word = found
        changes.append((words[at][1], words[at + width - 1][2], word))
        at += width
    out = folded
    for start, end, word in reversed(changes):
        out = out[:start] + word + out[end:]
    return out if changes else ""


def _repair_at(reader: Reader, folded: str, words: Sequence[tuple[str, int, int]], at: int) -> tuple[int, str] | None:
    """The widest repair beginning at a word: how many words it replaces, and by what."""
    for width in range(min(4, len(words) - at), 0, -1):
        start, end = words[at][1], words[at + width - 1][2]
        span = folded[start:end]
        if not 2 <= len(span) <= 6 or not is_han(span) or any(words[at + i][0] in STOP_WORDS for i in range(width)):
            continue
        known = [(count, word) for word, count in reader.homophones(sound(span)) if count >= COMMON and word != span]
        if known and reader.count(pairs(span)) <= RARE:
            return width, max(known)[1]
    return None


def _answered(reader: Reader, terms: Terms, hits: Sequence[Hit]) -> bool:
    """Whether one of the first results fits: it holds enough of the query, weighted by rarity.

    At least LEAST_COVERED; and SURELY_COVERED where the query has words that no reply knows (more than
    1 - KNOWN_SHARE of its words' weight), for then the unknown word is often what it is about.
    """
    if not terms.weights:
        return True
    weight = rarity(reader, list(terms.weights))
    covered = max(coverage(reader, weight, [hit.id for hit in hits]).values(), default=0.0)
    count = reader.size()
    words = {token: value for token, value in weight.items() if not token.startswith(PAIR_MARK)}
    unheard = math.log(2 * count + 2)
    known = sum(value for value in words.values() if value < unheard) / (sum(words.values()) or 1.0)
    return covered >= (LEAST_COVERED if known >= KNOWN_SHARE else SURELY_COVERED)


def rarity(reader: Reader, every: Sequence[str]) -> dict[str, float]:
    """The inverse document frequency of each token, as BM25 weighs it; a token that nobody used weighs most."""
    count = reader.size()
    found = reader.frequencies(every)
    return {token: math.log(1 + (count - min(df, count) + 0.5) / (df + 0.5)) for token, df in found.items()}


def coverage(reader: Reader, weight: Mapping[str, float], ids: Sequence[str]) -> dict[str, float]:
    """For each document, the share of these weighted tokens that it holds, 0 to 1."""
    total = sum(weight.values()) or 1.0
    held = reader.holding(ids, list(weight))
    return {id: sum(weight[token] for token in tokens_held) / total for id, tokens_held in held.items()}
