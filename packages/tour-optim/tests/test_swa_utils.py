"""Averages of weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tour
from tour.optim import swa_utils


def test_one_at_a_time() -> None:
    a, b = tour.tensor([1.0, 2.0]), tour.tensor([4.0, 8.0])
    assert swa_utils.get_swa_avg_fn()(a, b, tour.tensor(2)).tolist() == [2.0, 4.0]
    assert swa_utils.get_ema_avg_fn(0.75)(a, b, 5).tolist() == [1.75, 3.5]


def test_lists_in_place() -> None:
    values = [tour.tensor([1.0, 2.0]), tour.tensor([[1.0]])]
    current = [tour.tensor([4.0, 8.0]), tour.tensor([[7.0]])]
    swa_utils.get_swa_multi_avg_fn()(values, current, tour.tensor(2))
    assert [v.tolist() for v in values] == [[2.0, 4.0], [[3.0]]]
    swa_utils.get_ema_multi_avg_fn(0.5)(values, current, None)
    assert [v.tolist() for v in values] == [[3.0, 6.0], [[5.0]]]


def test_integers() -> None:
    counts = [tour.tensor([2, 10])]
    swa_utils.get_ema_multi_avg_fn(0.5)(counts, [tour.tensor([4, 13])], None)
    assert counts[0].tolist() == [3, 11]


@pytest.mark.parametrize("make", [swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn])
def test_bad_decay(make: Any) -> None:
    with pytest.raises(ValueError, match="Invalid decay value 2"):
        make(2)


class TestAveragedModel:
    """Needs tour-nn, which is no dependency of this package."""

    def setup_method(self) -> None:
        self.nn = pytest.importorskip("tour.nn", reason="tour-nn is not installed")
        self.model = self.nn.Linear(2, 1)

    def set_weight(self, value: float) -> None:
        self.model.weight.detach().numpy()[...] = value

    def test_mean(self) -> None:
        averaged = swa_utils.AveragedModel(self.model)
        assert isinstance(averaged, self.nn.Module)
        assert list(averaged.state_dict()) == ["n_averaged", "module.weight", "module.bias"]
        for value in (1.0, 2.0, 6.0):
            self.set_weight(value)
            averaged.update_parameters(self.model)
        np.testing.assert_allclose(averaged.module.weight.detach().numpy(), 3.0, rtol=1e-6)
        assert averaged.n_averaged.item() == 3
        assert averaged(tour.ones(1, 2)).shape == (1, 1)

    @pytest.mark.parametrize(
        "options",
        [{"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}],
    )
    def test_moving_average(self, options: dict[str, Any]) -> None:
        averaged = swa_utils.AveragedModel(self.model, use_buffers=True, **options)
        for value in (1.0, 3.0, 6.0):
            self.set_weight(value)
            averaged.update_parameters(self.model)
        np.testing.assert_allclose(averaged.module.weight.detach().numpy(), 4.0, rtol=1e-6)

    def test_two_functions_are_refused(self) -> None:
        with pytest.raises(AssertionError, match="Only one of"):
            swa_utils.AveragedModel(self.model, avg_fn=max, multi_avg_fn=max)

    def test_update_bn(self) -> None:
        if not hasattr(self.nn, "BatchNorm1d"):
            pytest.skip("tour.nn has no BatchNorm1d")
        model = self.nn.Sequential(self.nn.BatchNorm1d(2))
        model.eval()
        batches = [tour.tensor([[0.0, 2.0], [2.0, 4.0]]), (tour.tensor([[4.0, 6.0], [6.0, 8.0]]), None)]
        swa_utils.update_bn(batches, model)
        np.testing.assert_allclose(model[0].running_mean.numpy(), [3.0, 5.0], rtol=1e-6)
        assert not model.training
        assert model[0].momentum == 0.1


def test_update_bn_without_such_layers() -> None:
    class Plain:
        def modules(self) -> list[Any]:
            return [self]

    swa_utils.update_bn([1], Plain())


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        swa_utils.nothing  # noqa: B018
