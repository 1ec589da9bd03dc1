"""What age-v2 is trained with; the parts that need torch are skipped where it is not installed."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAINING = Path(__file__).resolve().parents[3] / "models" / "age-v2" / "training"
NAMES = ("augment", "targets", "scores", "network", "pictures", "batches")


@pytest.fixture(scope="module")
def load() -> Iterator[Any]:
    """Loads a script under the name by which the others import it."""
    path, before = list(sys.path), dict(sys.modules)
    sys.path.insert(0, str(TRAINING))

    def one(name: str) -> Any:
        if name != "augment":
            pytest.importorskip("torch", reason="needs the dependency group train")
        spec = importlib.util.spec_from_file_location(name, TRAINING / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        return sys.modules[name]

    yield one
    sys.path[:] = path
    for name in NAMES:
        sys.modules.pop(name, None)
        if name in before:
            sys.modules[name] = before[name]


def _slope(side: int) -> Any:
    y, x = np.mgrid[0:side, 0:side]
    return np.stack([x, y, np.full_like(x, 9)], axis=-1).astype(np.uint8)


REGION = np.array([[1.5, 0.2, 10.0], [-0.2, 1.5, 25.0]])


@pytest.mark.parametrize("side", [64, 96])
def test_a_chip_shows_the_same_region_at_every_size(load: Any, side: int) -> None:
    chip = load("augment").warp(_slope(128), REGION, side)
    places = np.array([[0, 0], [side // 2, side // 4], [side - 1, side - 1]])
    expected = places * 64 / side @ REGION[:, :2].T + REGION[:, 2]
    inside = (expected >= 0) & (expected <= 127)
    found = chip[places[:, 1], places[:, 0], :2]
    assert inside.all(axis=1).sum() >= 2
    np.testing.assert_allclose(found[inside.all(axis=1)], expected[inside.all(axis=1)], atol=1)


def test_without_jitter_a_region_stays_or_is_mirrored(load: Any) -> None:
    augment = load("augment")
    still = augment.Jitter(degrees=0.0, log_scale=0.0, sideways=0.0, upright=0.0)
    random = np.random.default_rng(1)
    found = [augment.jittered(REGION, still, random) for _ in range(20)]
    mirror = REGION @ np.array([[-1.0, 0, 63], [0, 1, 0], [0, 0, 1]])
    kinds = [np.allclose(region, REGION) for region in found]
    assert 0 < sum(kinds) < 20
    for region, stays in zip(found, kinds, strict=True):
        assert stays or np.allclose(region, mirror)


def test_jitter_is_as_large_as_it_says(load: Any) -> None:
    augment = load("augment")
    random = np.random.default_rng(2)
    unit = np.eye(3)[:2]
    middle = np.array([31.5, 31.5, 1.0])
    jitter = augment.Jitter(degrees=5.0, log_scale=0.1, sideways=2.0, upright=1.0)
    found = np.stack([augment.jittered(unit, jitter, random) for _ in range(4000)])
    shift = found @ middle - middle[:2]
    assert shift.std(axis=0) == pytest.approx([2.0, 1.0], rel=0.1)
    scale = np.sqrt(np.abs(np.linalg.det(found[:, :, :2])))
    assert np.log(scale).std() == pytest.approx(0.1, rel=0.1)


def test_degrading_hangs_on_the_generator_alone(load: Any) -> None:
    augment = load("augment")
    chip = np.random.default_rng(3).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    kept = chip.copy()
    for seed in range(60):
        one, other = (augment.degraded(chip, np.random.default_rng(seed)) for _ in range(2))
        assert one.shape == chip.shape
        assert one.dtype == np.uint8
        assert np.array_equal(one, other)
    assert np.array_equal(chip, kept)


def test_the_configuration_is_complete_and_names_its_networks() -> None:
    document = tomllib.loads((TRAINING / "config.toml").read_text("utf-8"))
    networks = document["network"]
    assert set(document["export"]["networks"]) <= set(networks)
    shipped = document["export"]["networks"]
    assert len({networks[name]["seed"] for name in shipped}) == len(shipped)
    for network in networks.values():
        assert network["side"] <= document["export"]["side"]
        assert set(network.get("teachers", ())) <= set(networks)


def test_shares_of_groups_add_up_and_the_right_group_costs_least(load: Any) -> None:
    targets, torch = load("targets"), pytest.importorskip("torch")
    logits = torch.randn(5, 81, generator=torch.Generator().manual_seed(1)) * 3
    group, over, under = targets.log_shares(logits)
    assert group.exp().sum(1).numpy() == pytest.approx(np.ones(5), abs=1e-5)
    assert (over.exp() + under.exp()).numpy() == pytest.approx(np.ones((5, 8)), abs=1e-5)
    sharp = torch.full((9, 81), -20.0)
    sharp[range(9), [1, 5, 15, 25, 35, 45, 55, 65, 75]] = 0.0
    for index in range(9):
        label = torch.eye(9)[[index] * 9]
        losses = targets.age_loss(sharp, label, ordinal=2.0, at_20=3.0)
        assert int(losses.argmin()) == index


def test_a_label_goes_to_its_neighbours_only(load: Any) -> None:
    soft = load("targets").smoothed(np.array([0, 2, 8]), 0.12).numpy()
    assert soft.sum(axis=1) == pytest.approx(np.ones(3))
    assert soft[0, :3] == pytest.approx([0.88, 0.12, 0])
    assert soft[1, 1:4] == pytest.approx([0.06, 0.88, 0.06])
    assert soft[2, 7:] == pytest.approx([0.12, 0.88])


def test_rare_cells_are_drawn_more_often(load: Any) -> None:
    targets = load("targets")
    found = targets.Labels(
        group=np.array([3] * 300 + [2] * 75),
        sex=np.zeros(375, dtype=np.intp),
        ethnicity=np.array([0] * 374 + [1]),
        cells=("A, female", "A, male", "B, female", "B, male"),
    )
    weights = targets.sampling_weights(found, 0.5, 1, {})
    assert weights.sum() == pytest.approx(1.0)
    assert weights[300] / weights[0] == pytest.approx((300 / 74) ** 0.5)
    assert len(set(targets.sampling_weights(found, 0.5, 400, {}))) == 1
    more = targets.sampling_weights(found, 0.5, 400, {"B, female": 3.0})
    assert more[-1] / more[0] == pytest.approx(3.0)


def test_the_area_counts_ties_half(load: Any) -> None:
    scores = load("scores")
    assert scores.auc(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == pytest.approx(0.875)
