"""Where in the picture does a decision come from? Grad-CAM and occlusion.

Grad-CAM: Selvaraju et al. 2016, arXiv 1610.02391, equations 1 and 2. Occlusion: Zeiler and Fergus 2013, arXiv
1311.2901, section 4.2. Both say what the network used, not what it should have used. Notebook 13 reads them.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models.features import feature_layers, module_by_name
from course_utils.models.heads import classifier_of
from course_utils.models.modes import evaluation_mode


class ClassMaps(NamedTuple):
    """A map for each picture: `maps` (B, H, W) at the size of the pictures, and how it came about.

    `raw` (B, h, w) are the values before they were enlarged, `targets` (B,) the classes that were asked
    about. `layer` is the name of the layer that was read, "" where none was.
    """

    maps: Tensor
    raw: Tensor
    targets: Tensor
    layer: str


def grad_cam(
    model: nn.Module, images: Tensor, *, layer: str | None = None, targets: Tensor | None = None
) -> ClassMaps:
    """Return where the score of a class would grow: `maps` in [0, 1], each divided by its own maximum.

    `images` (B, C, H, W) are normalised as for the network. `targets` (B,) are class indices; None: the
    predicted ones. `layer` is a name of `model.named_modules()`; None: the last stage whose map has more than
    one place. The network runs in evaluation mode, and neither its mode nor its gradients are changed.
    ValueError if the layer gives no map (B, C, h, w), as in transformers: use `occlusion_map` there.
    """
    with evaluation_mode(model), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_(True)  # so that frozen networks have gradients, too
        if layer is not None:
            logits, activation = _read(model, pixels, layer)
        else:
            layer, logits, activation = _last_map(model, pixels)
        if activation.ndim != 4:
            raise ValueError(
                f"layer {layer!r} gives values of the shape {tuple(activation.shape)}, Grad-CAM needs a map "
                "(B, C, h, w); choose a layer before the pooling, or use occlusion_map, which needs no map"
            )
        chosen = _checked_targets(targets, logits)
        scores = logits.gather(1, chosen[:, None])  # (B, 1)
        # In evaluation mode pictures do not influence each other: the gradient of the sum holds all of them.
        (gradient,) = torch.autograd.grad(scores.sum(), activation)
    if getattr(model, "output_fmt", "NCHW") == "NHWC":
        gradient, activation = gradient.permute(0, 3, 1, 2), activation.permute(0, 3, 1, 2)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (B, C, 1, 1), equation 1
    raw = (weights * activation.detach()).sum(dim=1).relu()  # (B, C, h, w) -> (B, h, w), equation 2
    enlarged = _enlarged(raw, images)
    highest = enlarged.amax(dim=(1, 2), keepdim=True)
    maps = torch.where(highest > 0, enlarged / highest.clamp_min(1e-30), torch.zeros_like(enlarged))
    return ClassMaps(maps.clamp(0, 1), raw, chosen, layer)


@torch.inference_mode()
def occlusion_map(
    model: nn.Module,
    images: Tensor,
    *,
    patch: int,
    stride: int | None = None,
    fill: float = 0.0,
    targets: Tensor | None = None,
    batch_size: int = 128,
) -> ClassMaps:
    """Return how much the probability of a class falls when a square of the picture is covered.

    A square of `patch` pixels moves in steps of `stride` (default: half a patch) over each of `images` (B, C,
    H, W), normalised as for the network, and is filled with `fill` (0: the mean colour of the training set).
    `raw` (B, rows, columns) holds the fall for each position, in [-1, 1]; negative: covering helped. `maps`
    holds for each pixel the mean over the squares that covered it. The last row and column of squares end at
    the border. Works for any network; costs a forward pass for each position. ValueError where `patch` and
    `stride` leave pixels uncovered.
    """
    height, width = images.shape[-2:]
    stride = max(1, patch // 2) if stride is None else stride
    if not 1 <= patch <= min(height, width) or stride < 1 or stride > patch:
        raise ValueError(
            f"patch is {patch} and stride {stride}; expected 1 <= stride <= patch <= {min(height, width)}, "
            "the shorter side of the pictures, so that every pixel is covered"
        )
    tops, lefts = _positions(height, patch, stride), _positions(width, patch, stride)
    with evaluation_mode(model):
        logits = torch.cat([model(part) for part in images.split(batch_size)])  # (B, K)
        chosen = _checked_targets(targets, logits)
        before = logits.softmax(dim=1).gather(1, chosen[:, None])[:, 0]  # (B,)
        raw = images.new_zeros(len(images), len(tops), len(lefts))
        total, covered = images.new_zeros(images.shape[0], height, width), images.new_zeros(height, width)
        for row, top in enumerate(tops):
            for column, left in enumerate(lefts):
                square = (slice(top, top + patch), slice(left, left + patch))
                changed = images.clone()
                changed[:, :, *square] = fill
                logits = torch.cat([model(part) for part in changed.split(batch_size)])
                after = logits.softmax(dim=1).gather(1, chosen[:, None])[:, 0]
                raw[:, row, column] = before - after
                total[:, *square] += (before - after)[:, None, None]
                covered[square] += 1
    return ClassMaps(total / covered, raw, chosen, "")


def _read(model: nn.Module, pixels: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """Give the logits and the output of `layer` in one forward pass."""
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        seen.append(output)
        return output.clone()  # a following in-place activation changes the clone, not what we keep

    handle = module_by_name(model, layer).register_forward_hook(keep)
    try:
        logits = model(pixels)
    finally:
        handle.remove()
    if not seen:
        raise ValueError(
            f"layer {layer!r} took no part in the forward pass; choose one of {feature_layers(model)}"
        )
    return logits, seen[-1]


def _last_map(model: nn.Module, pixels: Tensor) -> tuple[str, Tensor, Tensor]:
    """Give the last stage with a map of more than one place, the logits, and that map."""
    for layer in reversed(feature_layers(model)):
        if layer == classifier_of(model)[0]:
            continue
        logits, activation = _read(model, pixels, layer)
        places = (
            activation.shape[1:3] if getattr(model, "output_fmt", "NCHW") == "NHWC" else activation.shape[2:]
        )
        if activation.ndim == 4 and places.numel() > 1:
            return layer, logits, activation
    raise ValueError(
        f"no stage of this {type(model).__name__} gives a map with more than one place for pictures of "
        f"{pixels.shape[-2]} x {pixels.shape[-1]}; use larger pictures, or occlusion_map, which needs no map"
    )


def _checked_targets(targets: Tensor | None, logits: Tensor) -> Tensor:
    if targets is None:
        return logits.argmax(dim=1)
    chosen = torch.as_tensor(targets, device=logits.device)
    if chosen.shape != logits.shape[:1] or chosen.is_floating_point():
        raise ValueError(
            f"targets have the shape {tuple(chosen.shape)} and the type {chosen.dtype}; expected a class "
            f"index for each of the {len(logits)} pictures"
        )
    if len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < logits.shape[1]:
        raise ValueError(
            f"targets reach from {chosen.min()} to {chosen.max()}; there are {logits.shape[1]} classes"
        )
    return chosen


def _enlarged(maps: Tensor, images: Tensor) -> Tensor:
    """Enlarge maps (B, h, w) to the pictures' size (B, H, W)."""
    return F.interpolate(maps[:, None], size=images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def _positions(side: int, patch: int, stride: int) -> list[int]:
    """Give where squares begin: every `stride` pixels, and one that ends at the border."""
    starts = list(range(0, side - patch + 1, stride))
    return starts if starts[-1] == side - patch else [*starts, side - patch]
