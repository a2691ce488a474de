"""Training: labelled messages in a folder become a model file. The same data and seed give the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from classifier.data import Data, load_data
from classifier.model import SHIPPED
from classifier.parts import Parts, to_arrays
from classifier.recipe import fit_heads, fit_seven, held_out_fifteen, held_out_seven, seven_for_fifteen
from classifier.store import save
from classifier.taxonomy import Taxonomy, read_taxonomy
from classifier.thresholds import level2_curve, settle
from classifier.vectors import Vectoriser, build_vocabulary

Say = Callable[[str], None]


def train(
    data_folder: Path, out: Path = SHIPPED, *, taxonomy: Taxonomy | None = None, say: Say = lambda _: None
) -> str:
    """Train on the CSV files of a folder and write the model to `out` (.npz, its checksum beside); gives its version.

    `say` hears each step. Raises MissingData.
    """
    say("读取数据")
    data = load_data(data_folder)
    parts = fit(data, taxonomy or read_taxonomy(), say)
    say("写出模型")
    return save(out, *to_arrays(parts))


def fit(data: Data, taxonomy: Taxonomy, say: Say = lambda _: None) -> Parts:
    """A model of the data given, its curves and thresholds from held-out folds."""
    say("七类：留出折")
    seven_held = held_out_seven(data)
    say("十五类：留出折")
    seven_scores = seven_for_fifteen(data)
    held = held_out_fifteen(data, taxonomy, seven_scores)
    settings = replace(
        settle(data.seven, seven_held, data.fifteen, held), level2=level2_curve(data.fifteen, held, taxonomy)
    )
    say("用全部数据拟合")
    vocabulary = build_vocabulary([*data.seven.pairs, *data.fifteen.pairs])
    vectoriser = Vectoriser(vocabulary)
    seven = fit_seven(vectoriser.rows(data.seven.pairs), data.seven.labels)
    heads = fit_heads(vectoriser, data.fifteen, range(len(data.fifteen.pairs)), seven_scores, taxonomy)
    return Parts(
        taxonomy,
        vocabulary,
        seven,
        heads.fifteen,
        heads.level2,
        heads.nature,
        heads.accusation,
        heads.urgent,
        settings,
    )
