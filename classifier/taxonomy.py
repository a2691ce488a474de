"""The petition subject classification (信访内容分类): three levels, as rows of taxonomy.csv."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

SHIPPED = Path(__file__).parent / "taxonomy.csv"


@dataclass(frozen=True)
class Taxonomy:
    """The paths (level1, level2, level3) in their order."""

    paths: tuple[tuple[str, str, str], ...]

    @cached_property
    def level1(self) -> tuple[str, ...]:
        """First-level names in their order."""
        return tuple(dict.fromkeys(path[0] for path in self.paths))

    @cached_property
    def level2(self) -> tuple[tuple[str, str], ...]:
        """(level1, level2) in their order."""
        return tuple(dict.fromkeys(path[:2] for path in self.paths))

    @cached_property
    def version(self) -> str:
        """A mark of its content, the same for the same paths in the same order."""
        return hashlib.sha256("\n".join("\t".join(path) for path in self.paths).encode()).hexdigest()[:12]

    @cached_property
    def children(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Third-level names under each (level1, level2)."""
        return {key: tuple(path[2] for path in self.paths if path[:2] == key and path[2]) for key in self.level2}

    @cached_property
    def _known(self) -> frozenset[tuple[str, str, str]]:
        upper = {(*path[:2], "") for path in self.paths} | {(path[0], "", "") for path in self.paths}
        return frozenset(self.paths) | upper

    def has(self, level1: str, level2: str = "", level3: str = "") -> bool:
        """Whether there is such a category; the lower levels may be left open."""
        return (level1, level2, level3) in self._known


def read_taxonomy(path: Path = SHIPPED) -> Taxonomy:
    """The taxonomy in a CSV file with the columns level1, level2, level3. Raises FileNotFoundError, KeyError."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return taxonomy_of((row["level1"], row["level2"], row["level3"]) for row in csv.DictReader(file))


@lru_cache(maxsize=1)
def shipped() -> Taxonomy:
    """The taxonomy that the hub ships with, and classifies by; read once."""
    return read_taxonomy()


def shipped_version() -> str:
    """The version of the shipped taxonomy."""
    return shipped().version


def taxonomy_of(paths: Iterable[tuple[str, str, str]]) -> Taxonomy:
    """A taxonomy of the paths given, without repeats."""
    return Taxonomy(tuple(dict.fromkeys(paths)))
