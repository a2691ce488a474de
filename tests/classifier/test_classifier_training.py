"""Training: the same bytes twice, a file without code, any change refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import DamagedModel
from classifier.evaluate import evaluate
from classifier.model import Classifier
from classifier.store import load, save
from classifier.taxonomy import Taxonomy
from classifier.thresholds import accusation_score, lower_bound, promised_lead
from classifier.train import train


@pytest.fixture(scope="module")
def trained(tiny_data: Path, tiny_taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "model.npz"
    train(tiny_data, out, taxonomy=tiny_taxonomy)
    return out


def test_training_twice_gives_the_same_bytes(
    trained: Path, tiny_data: Path, tiny_taxonomy: Taxonomy, tmp_path: Path
) -> None:
    again = tmp_path / "again.npz"
    version = train(tiny_data, again, taxonomy=tiny_taxonomy)
    assert again.read_bytes() == trained.read_bytes()
    assert version == Classifier.load(trained).version


def test_a_trained_model_knows_its_own_sentences(trained: Path) -> None:
    model = Classifier.load(trained)
    assert model.suggest("河水发臭", "河水发臭，夜间噪音，请尽快处理。").category[:2] == ("环境保护", "污染")
    among = model.suggest("河水发臭", "河水发臭，夜间噪音，请尽快处理。", ["城乡建设", "环境保护"])
    assert among.category[0] == "环境保护"


def test_the_file_holds_arrays_and_text_only(trained: Path) -> None:
    with zipfile.ZipFile(trained) as file:
        for name in file.namelist():
            assert name.endswith(".npy")
            with file.open(name) as array:
                assert np.lib.format.read_array(array, allow_pickle=False).dtype != object


def test_a_changed_byte_is_refused(trained: Path, tmp_path: Path) -> None:
    data = bytearray(trained.read_bytes())
    data[len(data) // 2] ^= 1
    copy = _copy(trained, tmp_path, bytes(data))
    with pytest.raises(DamagedModel) as caught:
        Classifier.load(copy)
    assert "校验" in caught.value.message


@pytest.mark.parametrize("keep", [0, 100])
def test_a_file_cut_short_is_refused(trained: Path, tmp_path: Path, keep: int) -> None:
    with pytest.raises(DamagedModel):
        Classifier.load(_copy(trained, tmp_path, trained.read_bytes()[:keep]))


def test_a_missing_file_or_manifest_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(DamagedModel):
        Classifier.load(tmp_path / "none.npz")
    (tmp_path / "alone.npz").write_bytes(trained.read_bytes())
    with pytest.raises(DamagedModel):
        Classifier.load(tmp_path / "alone.npz")


def test_a_foreign_file_with_a_good_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.npz"
    save(path, {"words": np.zeros(3)}, {"settings": {}})
    with pytest.raises(DamagedModel):
        Classifier.load(path)


def test_another_format_is_refused(trained: Path, tmp_path: Path) -> None:
    copy = _copy(trained, tmp_path, trained.read_bytes())
    manifest = json.loads(copy.with_suffix(".json").read_text())
    copy.with_suffix(".json").write_text(json.dumps({**manifest, "format": 2}))
    with pytest.raises(DamagedModel) as caught:
        Classifier.load(copy)
    assert "2" in caught.value.message


def test_a_pickle_inside_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "code.npz"
    save(path, {"fine": np.zeros(1)}, {})
    with zipfile.ZipFile(path, "w") as file, file.open("about.npy", "w") as out:
        np.lib.format.write_array(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    import hashlib

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps({"format": 1, "sha256": digest}))
    with pytest.raises(DamagedModel):
        load(path)


def test_evaluation_prints_every_goal(
    tiny_data: Path, tiny_taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.evaluate.SPLITS", 5)
    text = "\n".join(evaluate(tiny_data, taxonomy=tiny_taxonomy))
    for goal in ("宏平均 F1", "风险–覆盖曲线", "一级准确率", "前三名", "举报 召回", "紧急 召回", "诉求性质"):
        assert goal in text


def test_lower_bound_is_the_exact_one() -> None:
    assert float(lower_bound(np.array(58), np.array(58))) == pytest.approx(0.05 ** (1 / 58))
    assert float(lower_bound(np.array(0), np.array(9))) == 0


def test_no_threshold_is_promised_on_too_few_or_too_wrong() -> None:
    lead = np.linspace(1, 0, 20).astype(np.float32)
    assert promised_lead(lead, np.ones(20, np.bool_)) == float("inf")
    lead = np.linspace(1, 0, 2000).astype(np.float32)
    right = np.arange(2000) < 1000
    found = promised_lead(lead, right)
    assert 0.97 < right[lead >= found].mean() < 1


def test_the_accusation_threshold_keeps_the_recall() -> None:
    scores = np.linspace(-1, 1, 200).astype(np.float32)
    labelled = np.arange(200) % 2 == 0
    words = np.zeros(200, np.bool_)
    found = scores >= accusation_score(scores, words, labelled, 0.985)
    assert found[labelled].mean() >= 0.985
    assert not found.all()


def _copy(model: Path, folder: Path, data: bytes) -> Path:
    copy = folder / "copy.npz"
    copy.write_bytes(data)
    copy.with_suffix(".json").write_bytes(model.with_suffix(".json").read_bytes())
    return copy
