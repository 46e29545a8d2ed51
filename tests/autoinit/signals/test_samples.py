"""Samples have the statistics that they are drawn from, and the statistics of samples are found again."""

import numpy as np
import pytest

from gondwana.autoinit.draws import generator
from gondwana.autoinit.signals.fields import Field, field_of
from gondwana.autoinit.signals.law import Correlations, gaussian
from gondwana.autoinit.signals.samples import measured_signal, sampled

CASES = {
    "independent": Correlations(),
    "alike": Correlations(0.4, 0.4, 0.2),
    "neighbours": Correlations(0.35, 0.7, 0.0),
    "everything": Correlations(0.45, 0.7, 0.15),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(12, 32), (6, 6, 32)])
def test_statistics_survive_the_way_to_samples_and_back(name, shape):
    signal = Field((gaussian(1.5, 2.0, CASES[name]),)).signal()
    values = sampled(signal, 1024, shape, generator(0, 1), generator(0, 2), exact=True)
    found = measured_signal(values.astype(float), exact=True)
    assert found.mean == pytest.approx(1.5, abs=0.1)
    assert found.variance == pytest.approx(2.0, rel=0.08)
    for one, other in zip(field_of(found).parts[0].rho, CASES[name], strict=True):
        assert one == pytest.approx(other, abs=0.05)


def test_positive_laws_give_positive_samples():
    part = gaussian(0.0, 1.0, Correlations())
    signal = Field((part.mapped(np.exp(part.values / 2)),)).signal()
    values = sampled(signal, 512, (8, 4), generator(0, 1), generator(0, 2), exact=True)
    assert values.min() > 0
    assert values.mean() == pytest.approx(signal.mean, rel=0.03)


def test_the_paper_knows_independent_gaussians_only():
    signal = Field((gaussian(0.0, 1.0, Correlations(0.9, 0.9, 0.9)),)).signal()
    values = sampled(signal, 512, (8, 4), generator(0, 1), generator(0, 2), exact=False)
    found = measured_signal(values.astype(float), exact=False)
    assert found.covariance == 0
    assert abs(np.corrcoef(values[:, 0, 0], values[:, 1, 0])[0, 1]) < 0.2


def test_uneven_maps_are_found():
    relief = np.linspace(0.2, 1.8, 10)
    signal = Field((gaussian(0.0, 1.0, Correlations()),), relief).signal()
    values = sampled(signal, 512, (10, 16), generator(0, 1), generator(0, 2), exact=True)
    found = measured_signal(values.astype(float), exact=True)
    np.testing.assert_allclose(field_of(found).relief, relief, atol=0.1)
