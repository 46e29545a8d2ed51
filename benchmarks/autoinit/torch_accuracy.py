"""Predicted against measured variance after every step of networks of ``transformers``, small and with random weights.

Nothing is downloaded. ``pip install torch==2.13.0 transformers`` first.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers as hf

from gondwana.autoinit import torch as autoinit

LIMIT, CALIBRATED = 0.15, 0.05
NEGLIGIBLE = 1e-12


def image(size: int, batch: int) -> torch.Tensor:
    """Return an example input of the shape of images."""
    return torch.zeros(batch, 3, size, size)


def tokens(batch: int, length: int = 24) -> dict[str, torch.Tensor]:
    """Return an example input of the shape of token sequences."""
    return {"input_ids": torch.ones(batch, length, dtype=torch.long)}


def _convnext() -> Any:
    return hf.ConvNextModel(hf.ConvNextConfig(hidden_sizes=[32, 64, 96, 128], depths=[2, 2, 3, 2]))


def _swin() -> Any:
    config = hf.SwinConfig(
        image_size=64, embed_dim=32, depths=[2, 2, 2], num_heads=[2, 4, 8], window_size=4, patch_size=4
    )
    return hf.SwinModel(config)


def _segformer() -> Any:
    config = hf.SegformerConfig(
        hidden_sizes=[32, 64, 96, 128], depths=[2, 2, 2, 2], decoder_hidden_size=64, num_labels=10
    )
    return hf.SegformerForSemanticSegmentation(config)


NETWORKS: dict[str, tuple[Callable[[], Any], Callable[[int], Any]]] = {
    "ViT": (
        lambda: hf.ViTModel(
            hf.ViTConfig(
                image_size=64,
                patch_size=8,
                hidden_size=96,
                num_hidden_layers=6,
                num_attention_heads=4,
                intermediate_size=384,
            )
        ),
        lambda batch: image(64, batch),
    ),
    "ConvNeXt": (_convnext, lambda batch: image(64, batch)),
    "ResNet": (
        lambda: hf.ResNetModel(
            hf.ResNetConfig(embedding_size=32, hidden_sizes=[64, 128, 192, 256], depths=[2, 2, 3, 2])
        ),
        lambda batch: image(64, batch),
    ),
    "Swin": (_swin, lambda batch: image(64, batch)),
    "BERT": (
        lambda: hf.BertModel(
            hf.BertConfig(
                vocab_size=500,
                hidden_size=96,
                num_hidden_layers=6,
                num_attention_heads=4,
                intermediate_size=384,
            )
        ),
        tokens,
    ),
    "GPT-2": (
        lambda: hf.GPT2LMHeadModel(
            hf.GPT2Config(vocab_size=500, n_embd=96, n_layer=6, n_head=4, n_positions=64)
        ),
        tokens,
    ),
    "T5": (
        lambda: hf.T5Model(
            hf.T5Config(vocab_size=500, d_model=96, d_kv=24, d_ff=384, num_layers=4, num_heads=4)
        ),
        lambda batch: tokens(batch) | {"decoder_input_ids": torch.ones(batch, 16, dtype=torch.long)},
    ),
    "MobileNetV2": (
        lambda: hf.MobileNetV2Model(hf.MobileNetV2Config(depth_multiplier=0.75)),
        lambda batch: image(96, batch),
    ),
    "RegNet": (
        lambda: hf.RegNetModel(
            hf.RegNetConfig(
                embedding_size=32, hidden_sizes=[64, 128, 192, 256], depths=[2, 2, 3, 1], groups_width=32
            )
        ),
        lambda batch: image(64, batch),
    ),
    "SegFormer": (_segformer, lambda batch: image(64, batch)),
}


def _has_batch_norm(module: Any) -> bool:
    return any(isinstance(part, torch.nn.BatchNorm2d) for part in module.modules())


def distance(predicted: float, measured: float) -> float:
    """Return |ln(predicted / measured)|; 0 for what is silent in both."""
    if max(predicted, measured) < NEGLIGIBLE:
        return 0.0
    return float(abs(np.log(max(predicted, 1e-30) / max(measured, 1e-30))))


def errors(
    module: Any, example: Any, plan: autoinit.Plan, draws: int, *, details: bool = False
) -> np.ndarray:
    """Return the distance of each listed step, the measured variance being the mean over draws."""
    rows = autoinit.measure(module, example, plan, draws=draws, seed=1)
    found = []
    for call, row in zip(plan.calls, rows, strict=True):
        found.append(distance(call.outputs[0].variance, float(row.variances.mean())))
        if details and found[-1] > LIMIT / 2:
            error = row.variances.std(ddof=1) / len(row.variances) ** 0.5
            print(
                f"    {found[-1]:6.3f} {call.name} ({call.kind}{', simulated' * call.simulated}): "
                f"{call.outputs[0].variance:.4g} against {row.variances.mean():.4g} +- {error:.2g}"
            )
    return np.array(found)


def after_calibration(module: Any, example: Any) -> np.ndarray:
    """Return the distance of each layer with drawn weights after ``calibrate``, on inputs that it has not seen."""
    done = autoinit.calibrate(module, example, seed=3)
    wanted = {row.name: row.predicted for row in done.layers}
    rows = autoinit.measure(module, example, None, draws=16, seed=11)
    second = {row.name: float((row.variances + row.means**2).mean()) for row in rows}
    return np.array([distance(value, second[name]) for name, value in wanted.items()])


def forward_seconds(module: Any, example: Any) -> float:
    """Return the time of one forward pass, the second of two."""
    args, named = ((), example) if isinstance(example, dict) else ((example,), {})
    with torch.no_grad():
        module(*args, **named)
        start = time.perf_counter()
        module(*args, **named)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument(
        "--batch", type=int, help="examples; 32 for networks that normalize over them, else 8"
    )
    parser.add_argument("--details", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'network':14}{'steps':>6}{'p90':>8}{'median':>8}{'calibrated p90':>16}{'plan s':>8}{'forward s':>11}"
    )
    worst = [0.0, 0.0]
    for name in arguments.networks:
        make, inputs = NETWORKS[name]
        torch.manual_seed(0)
        module = make()
        example = inputs(arguments.batch or (32 if _has_batch_norm(module) else 8))
        start = time.perf_counter()
        plan = autoinit.plan(module, example)
        seconds = time.perf_counter() - start
        found = errors(module, example, plan, arguments.draws, details=arguments.details)
        done = after_calibration(module, example)
        high, calibrated = float(np.quantile(found, 0.9)), float(np.quantile(done, 0.9))
        print(
            f"{name:14}{len(found):6}{high:8.3f}{np.median(found):8.3f}{calibrated:16.3f}{seconds:8.1f}"
            f"{forward_seconds(module, example):11.3f}",
            flush=True,
        )
        worst = [max(worst[0], high), max(worst[1], calibrated)]
    print(
        f"\nworst 90th percentile {worst[0]:.3f} (at most {LIMIT}), calibrated {worst[1]:.3f} (at most {CALIBRATED})"
    )
    return int(worst[0] > LIMIT or worst[1] > CALIBRATED)


if __name__ == "__main__":
    sys.exit(main())
