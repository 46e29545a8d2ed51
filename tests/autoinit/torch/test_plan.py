"""Plans of modules: what they say, what they leave alone, and what is drawn from them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from gondwana.autoinit import torch as autoinit  # noqa: E402
from gondwana.autoinit.torch import AutoInitError, ModelError  # noqa: E402


class Network(nn.Module):
    """A convolution in place, a batch normalization, an embedding, attention and a recurrent layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.bend, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.1)
        self.dense, self.table = nn.Linear(32, 32), nn.Embedding(50, 32, padding_idx=0)
        self.attend = nn.MultiheadAttention(32, 4, batch_first=True)
        self.recur, self.head = nn.LSTM(32, 24, batch_first=True), nn.Linear(24, 5)
        self.register_buffer("scale", torch.ones(1))

    def forward(self, image, ids):
        y = self.drop(self.bend(self.norm(self.conv(image)))).mean((2, 3))
        h = self.table(ids) + self.dense(y)[:, None] * self.scale
        h = h + self.attend(h, h, h)[0]
        return self.head(self.recur(h)[0][:, -1])


EXAMPLE = (torch.zeros(4, 3, 8, 8), torch.zeros(4, 6, dtype=torch.long))


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(module, before):
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


def small():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))


def test_planning_changes_nothing_and_draws_no_number():
    module = Network().eval()
    before, stream = state(module), torch.random.get_rng_state()
    weights = module.recur._flat_weights[0]
    plan = autoinit.plan(module, EXAMPLE)
    autoinit.measure(module, EXAMPLE, plan, draws=2)
    assert changed(module, before) == set()
    assert torch.equal(stream, torch.random.get_rng_state())
    assert not module.training and not module.norm.training
    assert module.recur._flat_weights[0] is weights
    assert not module._forward_hooks


def test_the_table_names_modules_and_what_happens_to_them():
    table = str(autoinit.plan(Network(), EXAMPLE))
    rows = {line.split()[0]: line for line in table.splitlines()[1:]}
    assert table.splitlines()[0].split() == ["layer", "class", "mean", "variance", "gradient", "weights"]
    assert "Conv2d" in rows["conv"] and rows["conv"].endswith("drawn")
    assert rows["recur"].endswith("simulated") and "LSTM" in rows["recur"]
    assert "view" not in table


def test_only_weights_and_biases_of_layers_that_sum_are_drawn():
    module = Network()
    before = state(module)
    autoinit.initialize(module, EXAMPLE, seed=1)
    drawn = {"conv", "dense", "head", "attend.out_proj"}
    expected = {f"{name}.{kind}" for name in drawn for kind in ("weight", "bias")}
    expected |= {"attend.in_proj_weight", "table.weight"}
    # PyTorch starts the biases of attention at 0 already.
    assert changed(module, before) == expected - {"attend.out_proj.bias"}
    assert not module.conv.bias.any() and not module.table.weight[0].any()


def test_equal_seeds_give_equal_weights_and_the_planned_deviation():
    first, second, third = small(), small(), small()
    for module, seed in ((first, 3), (second, 3), (third, 4)):
        autoinit.initialize(module, torch.zeros(2, 64), seed)
    assert torch.equal(first[0].weight, second[0].weight)
    assert not torch.equal(first[0].weight, third[0].weight)
    assert float(first[2].weight.detach().var()) == pytest.approx(2 / 64, rel=0.15)  # E[relu^2] = 1/2


def test_predicted_signals_are_those_of_the_module():
    module = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(64, 64, 3, stride=2, padding=1),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(1024, 10),
    )
    example = torch.zeros(8, 3, 8, 8)
    plan = autoinit.plan(module, example)
    rows = autoinit.measure(module, example, plan, draws=24, seed=2)
    for call, row in zip(plan.calls, rows, strict=True):
        error = row.variances.std(ddof=1) / len(row.variances) ** 0.5
        assert abs(call.outputs[0].variance - row.variances.mean()) < 5 * error + 0.02


def test_frozen_and_left_out_layers_keep_their_bytes_and_enter_as_they_are():
    module = small()
    with torch.no_grad():
        module[0].weight.mul_(10)
    for parameter in module[0].parameters():
        parameter.requires_grad_(False)
    before = state(module)
    plan = autoinit.plan(module, torch.zeros(16, 64))
    assert [call.kept for call in plan.calls] == ["frozen", "", ""]
    spread = float(torch.square(module[0].weight.detach()).mean()) * 64
    assert plan.calls[0].outputs[0].second_moment == pytest.approx(spread, rel=0.1)
    assert plan.weights[0].deviation ** 2 == pytest.approx(2 / spread / 64, rel=0.15)
    autoinit.apply(plan, module, 0)
    assert changed(module, before) == {"2.weight", "2.bias"}
    other = small()
    before = state(other)
    autoinit.initialize(other, torch.zeros(2, 64), layers="2")
    assert changed(other, before) == {"2.weight", "2.bias"}


@pytest.mark.parametrize(
    "layers, part",
    [
        ("3", r"no layer matches '3'.*0, 1, 2"),
        ([], "empty"),
        (3, "takes paths"),
        ("1", "nothing that can be"),
    ],
)
def test_a_choice_that_makes_no_sense_is_named(layers, part):
    with pytest.raises(AutoInitError, match=part):
        autoinit.plan(small(), torch.zeros(2, 64), layers=layers)


def test_a_layer_that_is_called_twice_is_scaled_for_what_it_receives_on_average():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(32, 32)

        def forward(self, one, other):
            return self.layer(one) + self.layer(other)

    plan = autoinit.plan(Twice(), (torch.zeros(2, 32), torch.zeros(2, 32)), input_variance=[1.0, 9.0])
    assert plan.weights[0].deviation ** 2 == pytest.approx(1 / (32 * 5), rel=1e-6)


def test_a_table_that_is_also_the_head_is_scaled_as_a_table():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.head = nn.Embedding(40, 16), nn.Linear(16, 40, bias=False)
            self.head.weight = self.table.weight

        def forward(self, ids):
            return self.head(self.table(ids))

    plan = autoinit.plan(Tied(), torch.zeros(2, 5, dtype=torch.long))
    assert [weight.deviation for weight in plan.weights] == pytest.approx([1.0])


def test_data_in_place_of_mean_and_variance():
    rows = np.random.default_rng(0).normal(3.0, 2.0, (200, 64))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(rows, dtype=torch.float32), torch.zeros(200)),
        batch_size=25,
    )
    for data in (rows, torch.tensor(rows), loader):
        plan = autoinit.plan(small(), torch.zeros(4, 64), data=data)
        assert plan.weights[0].deviation ** 2 == pytest.approx(1 / (64 * 13), rel=0.02)
    with pytest.raises(AutoInitError, match="data= gives"):
        autoinit.plan(small(), torch.zeros(4, 64), data=rows, input_mean=1.0)
    with pytest.raises(AutoInitError, match=r"needs the shape \(any, 64\)"):
        autoinit.plan(small(), torch.zeros(4, 64), data=rows[:, :5])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_parameters_get_the_planned_scale(dtype):
    module = small().to(dtype)
    plan = autoinit.plan(module, torch.zeros(2, 64, dtype=dtype))
    autoinit.apply(plan, module, 0)
    assert module[0].weight.dtype == dtype
    assert float(module[0].weight.detach().float().std()) == pytest.approx(
        plan.weights[0].deviation, rel=0.05
    )


def test_orthogonal_weights_have_orthonormal_rows_up_to_their_scale():
    module = autoinit.initialize(nn.Linear(64, 16), torch.zeros(2, 64), distribution="orthogonal")
    product = (module.weight @ module.weight.T).detach()
    torch.testing.assert_close(product, torch.eye(16) * float(product[0, 0]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("direction", ["backward", "both"])
def test_scales_that_look_at_the_gradient(direction):
    deviation = autoinit.plan(nn.Linear(64, 16), torch.zeros(2, 64), direction=direction).weights[0].deviation
    assert deviation**2 == pytest.approx({"backward": 1 / 16, "both": 2 / (64 + 16)}[direction])


def test_what_cannot_be_exported_is_planned_by_hooks_and_says_so():
    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 8)

        def forward(self, x):
            y = torch.relu(self.one(x))
            return self.two(y) if float(y.sum()) > 0 else self.two(-y)

    module = Looks()
    before = state(module)
    with pytest.warns(UserWarning, match="hooks on its leaf modules"):
        plan = autoinit.plan(module, torch.zeros(64, 64))
    assert changed(module, before) == set()
    assert [call.name for call in plan.calls] == ["one", "two"]
    assert [w.deviation**2 for w in plan.weights if w.deviation] == pytest.approx([1 / 64, 2 / 64], rel=0.1)
    autoinit.apply(plan, module, 0)


@pytest.mark.parametrize(
    "make, part",
    [
        (lambda: nn.Linear(3, 2, device="meta"), "meta device"),
        (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), "parametrization"),
        (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)), "parametrization"),
        (lambda: nn.DataParallel(nn.Linear(3, 2)), "wrapped by DataParallel"),
        (lambda: torch.compile(nn.Linear(3, 2)), "wrapped by torch.compile"),
        (lambda: nn.LazyLinear(2), "not known yet"),
        (lambda: lambda x: x, "expected a torch.nn.Module"),
    ],
)
def test_modules_that_cannot_be_initialized_in_place_are_refused_in_one_line(make, part):
    with pytest.raises(ModelError, match=part) as caught:
        autoinit.initialize(make(), torch.zeros(2, 3))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("example", [torch.zeros(2, 5), "text", None, (torch.zeros(2, 64), torch.zeros(2))])
def test_examples_that_do_not_fit_are_refused_and_the_module_is_unchanged(example):
    module = small()
    before = state(module)
    with pytest.raises(ModelError) as caught:
        autoinit.initialize(module, example)
    assert "\n" not in str(caught.value)
    assert changed(module, before) == set()


@pytest.mark.parametrize(
    "keywords, part",
    [
        ({"seed": -1}, "seed"),
        ({"input_variance": -1.0}, "input_variance"),
        ({"input_mean": "a"}, "input_mean"),
        ({"propagation": "guess"}, "propagation"),
        ({"distribution": "cauchy"}, "distribution"),
        ({"biases": "one"}, "biases"),
        ({"rules": {3: None}}, "rules="),
    ],
)
def test_arguments_that_make_no_sense_are_named(keywords, part):
    module = small()
    before = state(module)
    with pytest.raises(AutoInitError, match=part):
        autoinit.initialize(module, torch.zeros(2, 64), **keywords)
    assert changed(module, before) == set()


def test_a_plan_of_another_module_is_refused():
    plan = autoinit.plan(small(), torch.zeros(2, 64))
    other = nn.Sequential(nn.Linear(64, 32))
    before = state(other)
    with pytest.raises(ModelError, match="does not fit"):
        autoinit.apply(plan, other, 0)
    assert changed(other, before) == set()


def test_biases_may_stay_and_then_count():
    module = nn.Linear(4, 4096)
    plan = autoinit.plan(module, torch.zeros(8, 4), biases="keep")
    assert plan.calls[0].outputs[0].variance == pytest.approx(1 + 1 / 12, rel=0.02)  # U(-1/2, 1/2)
    assert len(plan.weights) == 1


def test_nothing_comes_in():
    with pytest.raises(AutoInitError, match="cannot be scaled"):
        autoinit.plan(nn.Linear(4, 4), torch.zeros(2, 4), input_variance=0.0)


def test_a_rule_of_ones_own_for_a_module_and_for_an_operation():
    class Scaled(nn.Module):
        def forward(self, x):
            return 3.0 * torch.special.i0e(x)

    def scaled(call, x):
        return call.calculus.scale(x, 3.0)

    module = nn.Sequential(nn.Linear(16, 16), Scaled(), nn.Linear(16, 4))
    plan = autoinit.plan(module, torch.zeros(2, 16), rules={Scaled: scaled})
    assert [call.kind for call in plan.calls] == ["Linear", "Scaled", "Linear"]
    assert plan.calls[1].outputs[0].variance == pytest.approx(9.0)
    with pytest.raises(autoinit.UnsupportedLayerError, match=r"aten\.special_i0e"):
        autoinit.plan(module, torch.zeros(2, 16), on_unknown="error")
    with pytest.warns(UserWarning, match="passed through"):
        autoinit.plan(module, torch.zeros(2, 16), on_unknown="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert autoinit.plan(module, torch.zeros(2, 16)).calls[1].simulated


def test_calibration_corrects_every_layer_and_uses_the_callers_data():
    module = Network()
    before = state(module)
    done = autoinit.calibrate(module, EXAMPLE, seed=1)
    assert {row.name for row in done.layers} >= {"conv", "dense", "table", "head"}
    for row in done.layers:
        assert abs(np.log(row.corrected / row.predicted)) <= np.log1p(0.05) + 1e-4, row
    assert "predicted" in str(done)
    assert "norm.running_mean" not in changed(module, before)
    other, data = small(), torch.full((100, 64), 5.0) + torch.randn(100, 64)
    autoinit.calibrate(other, torch.zeros(10, 64), data, seed=1)
    assert float(other[0](data).detach().square().mean()) == pytest.approx(1.0, rel=0.15)
    with pytest.raises(AutoInitError, match="tolerance"):
        autoinit.calibrate(other, torch.zeros(10, 64), tolerance=-1)


def test_gradients_come_back_as_the_theory_says():
    module = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 64))
    calls = autoinit.plan(module, torch.zeros(32, 256)).calls
    assert calls[2].gradient == pytest.approx(1.0, rel=0.1)
    assert calls[1].gradient == pytest.approx(
        64 * 2 / 256, rel=0.1
    )  # fan_out times the variance of the weights
    assert calls[0].gradient == pytest.approx(64 * 2 / 256 / 2, rel=0.1)


def test_the_layers_that_make_the_outputs_may_have_a_variance_of_their_own():
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.Softmax(dim=-1))
    plans = [autoinit.plan(module, torch.zeros(4, 6), output_variance=value) for value in (None, 0.01)]
    first, last = (
        new.deviation / old.deviation
        for old, new in zip(*(p.weights for p in plans), strict=True)
        if new.deviation
    )
    assert (first, last) == pytest.approx((1.0, 0.1))


def test_a_head_that_is_tied_to_an_embedding_stays():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(9, 6)
            self.head = nn.Linear(6, 9, bias=False)
            self.head.weight = self.table.weight

        def forward(self, tokens):
            return self.head(torch.relu(self.table(tokens)))

    tokens = torch.zeros(2, 3, dtype=torch.long)
    one, other = (autoinit.plan(Tied(), tokens, output_variance=value).weights for value in (None, 0.01))
    assert [w.deviation for w in one] == [w.deviation for w in other]
