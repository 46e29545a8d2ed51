"""The same architecture in Keras and in PyTorch: the plans give the same second moments, layer by layer."""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch")

import keras  # noqa: E402
from torch import nn  # noqa: E402

from gondwana import autoinit as keras_side  # noqa: E402
from gondwana.autoinit import torch as torch_side  # noqa: E402

pytestmark = pytest.mark.slow

layers = keras.layers
TOLERANCE = 1e-3


class Sum(nn.Module):
    """A sum as a module, so that it has a name."""

    def forward(self, one, other):
        return one + other


def vgg():
    x = start = keras.Input((16, 16, 3))
    for block, width in enumerate((16, 32)):
        for number in range(2):
            x = layers.Conv2D(width, 3, padding="same", name=f"conv{block}{number}")(x)
            x = layers.ReLU(name=f"bend{block}{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{block}")(x)
    x = layers.ReLU(name="bend")(layers.Dense(64, name="dense")(layers.Flatten()(x)))
    model = keras.Model(start, layers.Dense(10, name="head")(x))
    parts, before = {}, 3
    for block, width in enumerate((16, 32)):
        for number in range(2):
            parts[f"conv{block}{number}"] = nn.Conv2d(before, width, 3, padding=1)
            parts[f"bend{block}{number}"] = nn.ReLU()
            before = width
        parts[f"pool{block}"] = nn.MaxPool2d(2)
    parts |= {"flat": nn.Flatten(), "dense": nn.Linear(512, 64), "bend": nn.ReLU(), "head": nn.Linear(64, 10)}
    module = nn.Sequential()
    for name, part in parts.items():
        module.add_module(name, part)
    return model, module, torch.zeros(4, 3, 16, 16)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        for number in range(2):
            self.add_module(f"norm{number}", nn.BatchNorm2d(32))
            self.add_module(f"bend{number}", nn.ReLU())
            self.add_module(f"conv{number}", nn.Conv2d(32, 32, 3, padding=1))
            self.add_module(f"sum{number}", Sum())
        self.mean, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(32, 10)

    def forward(self, x):
        x = self.stem(x)
        for number in range(2):
            part = self.get_submodule
            y = part(f"conv{number}")(part(f"bend{number}")(part(f"norm{number}")(x)))
            x = part(f"sum{number}")(x, y)
        return self.head(self.mean(x).flatten(1))


def residual():
    start = keras.Input((12, 12, 3))
    x = layers.Conv2D(32, 3, padding="same", name="stem")(start)
    for number in range(2):
        y = layers.BatchNormalization(name=f"norm{number}", epsilon=1e-5)(x)
        y = layers.ReLU(name=f"bend{number}")(y)
        y = layers.Conv2D(32, 3, padding="same", name=f"conv{number}")(y)
        x = layers.Add(name=f"sum{number}")([x, y])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(start, layers.Dense(10, name="head")(x)), Residual(), torch.zeros(8, 3, 12, 12)


class Inverted(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.expand, self.norm0, self.bend0 = nn.Conv2d(16, 64, 1), nn.BatchNorm2d(64), nn.ReLU6()
        self.depth, self.norm1, self.bend1 = (
            nn.Conv2d(64, 64, 3, padding=1, groups=64),
            nn.BatchNorm2d(64),
            nn.ReLU6(),
        )
        self.project, self.norm2, self.sum = nn.Conv2d(64, 16, 1), nn.BatchNorm2d(16), Sum()
        self.head = nn.Linear(16 * 64, 10)

    def forward(self, x):
        x = self.stem(x)
        y = self.bend0(self.norm0(self.expand(x)))
        y = self.bend1(self.norm1(self.depth(y)))
        return self.head(self.sum(x, self.norm2(self.project(y))).flatten(1))


def inverted():
    start = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", name="stem")(start)
    y = layers.BatchNormalization(epsilon=1e-5, name="norm0")(layers.Conv2D(64, 1, name="expand")(x))
    y = layers.ReLU(6.0, name="bend0")(y)
    y = layers.DepthwiseConv2D(3, padding="same", name="depth")(y)
    y = layers.ReLU(6.0, name="bend1")(layers.BatchNormalization(epsilon=1e-5, name="norm1")(y))
    y = layers.BatchNormalization(epsilon=1e-5, name="norm2")(layers.Conv2D(16, 1, name="project")(y))
    x = layers.Flatten()(layers.Add(name="sum")([x, y]))
    return keras.Model(start, layers.Dense(10, name="head")(x)), Inverted(), torch.zeros(8, 3, 8, 8)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 64)
        self.norm0, self.attend, self.sum0 = (
            nn.LayerNorm(64),
            nn.MultiheadAttention(64, 4, batch_first=True),
            Sum(),
        )
        self.norm1, self.wide, self.bend = nn.LayerNorm(64), nn.Linear(64, 256), nn.GELU()
        self.narrow, self.sum1, self.norm2, self.head = (
            nn.Linear(256, 64),
            Sum(),
            nn.LayerNorm(64),
            nn.Linear(64, 5),
        )

    def forward(self, ids):
        x = self.table(ids)
        y = self.norm0(x)
        x = self.sum0(x, self.attend(y, y, y, need_weights=False)[0])
        x = self.sum1(x, self.narrow(self.bend(self.wide(self.norm1(x)))))
        return self.head(self.norm2(x))


def encoder():
    start = keras.Input((12,), dtype="int32")
    x = layers.Embedding(100, 64, name="table")(start)
    y = layers.LayerNormalization(epsilon=1e-5, name="norm0")(x)
    x = layers.Add(name="sum0")([x, layers.MultiHeadAttention(4, 16, name="attend")(y, y)])
    y = layers.Dense(256, name="wide")(layers.LayerNormalization(epsilon=1e-5, name="norm1")(x))
    y = layers.Dense(64, name="narrow")(layers.Activation("gelu", name="bend")(y))
    x = layers.LayerNormalization(epsilon=1e-5, name="norm2")(layers.Add(name="sum1")([x, y]))
    return (
        keras.Model(start, layers.Dense(5, name="head")(x)),
        Encoder(),
        torch.zeros(8, 12, dtype=torch.long),
    )


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.recur, self.head = (
            nn.Embedding(100, 32),
            nn.LSTM(32, 24, batch_first=True),
            nn.Linear(24, 7),
        )

    def forward(self, ids):
        return self.head(self.recur(self.table(ids))[0])


def tagger():
    start = keras.Input((9,), dtype="int32")
    x = layers.LSTM(24, return_sequences=True, name="recur")(layers.Embedding(100, 32, name="table")(start))
    return keras.Model(start, layers.Dense(7, name="head")(x)), Tagger(), torch.zeros(8, 9, dtype=torch.long)


@pytest.mark.parametrize("make", [vgg, residual, inverted, encoder, tagger])
@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_both_sides_plan_the_same_second_moments(make, mode):
    model, module, example = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = {call.name: call for call in torch_side.plan(module, example, propagation=mode).calls}
        theirs = {call.name: call for call in keras_side.plan(model, propagation=mode).calls}
    common = set(ours) & set(theirs) - {
        "recur"
    }  # the weights of recurrent layers are those of the frameworks
    assert len(common) >= (2 if make is tagger else 8)
    for name in sorted(common):
        one, other = (calls[name].outputs[0] for calls in (ours, theirs))
        assert one.second_moment == pytest.approx(other.second_moment, rel=TOLERANCE), name
        assert one.mean == pytest.approx(other.mean, abs=TOLERANCE), name


@pytest.mark.parametrize("make", [vgg, residual, inverted])
def test_both_sides_plan_the_same_deviations(make):
    model, module, example = make()
    ours = {
        w.path.removesuffix(".weight"): w for w in torch_side.plan(module, example).weights if w.deviation
    }
    theirs = {w.path.rpartition("/")[0]: w for w in keras_side.plan(model, propagation="exact").weights}
    assert set(ours) == set(theirs)
    for name, weight in ours.items():
        assert weight.deviation == pytest.approx(theirs[name].deviation, rel=TOLERANCE), name
