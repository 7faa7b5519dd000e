"""A network as an ONNX file, which runs without PyTorch: written, checked, run, and quantised to int8.

ONNX is an open format (onnx.ai); onnxruntime runs it. Both are optional: without them every function here
says which package to install. Static quantisation follows Jacob et al. 2017, arXiv 1712.05877: weights and
activations become int8, the ranges of the activations are measured on calibration pictures. Notebook 14.
"""

import importlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from course_utils import files
from course_utils.models.fitting import first_line
from course_utils.models.modes import evaluation_mode

INPUT, OUTPUT = "images", "logits"


class OnnxNetwork:
    """An ONNX file, ready to be called: images (B, C, H, W) float32 to logits (B, K), on the CPU."""

    def __init__(self, path: str | Path, *, num_threads: int = 1) -> None:
        """Open the file; `num_threads` compute. ValueError if it is no network that onnxruntime can run."""
        runtime = _package("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.log_severity_level = 3  # errors only
        self.path = Path(path)
        try:
            self._session = runtime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ValueError(f"{path} cannot be run as an ONNX network: {first_line(error)}") from error
        self._input = self._session.get_inputs()[0].name

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits (B, K)."""
        given = images.detach().cpu().contiguous().numpy()
        try:
            return torch.from_numpy(self._session.run(None, {self._input: given})[0])
        except Exception as error:  # onnxruntime's own kinds of error have no common name
            reason = " ".join(str(error).split())
            raise ValueError(f"{self.path} does not take images {tuple(given.shape)}: {reason}") from error


def export_onnx(
    model: nn.Module, path: str | Path, *, image_size: int | tuple[int, int], in_channels: int = 3
) -> float:
    """Write `model` to `path` (ending .onnx) and return the largest difference of any logit, checked.

    Pictures are (B, in_channels, height, width) with any B. The file is run on random pictures, in a batch of
    another size than it was traced with; if a logit differs by more than 1e-4 (absolute, plus 1e-4 of its
    size) from PyTorch's, nothing is written and ValueError is raised. `model` is exported in evaluation mode
    and left as it was. ModuleNotFoundError says what to install.
    """
    target = Path(path)
    if target.suffix != ".onnx":
        raise ValueError(f"{target} should end in .onnx")
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _package(name)
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    like = next(model.parameters())
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(3, in_channels, height, width, generator=generator).to(like)
    with files.atomic_path(target) as partial, evaluation_mode(model), torch.no_grad(), _quiet():
        torch.onnx.export(
            model,
            (pictures[:2],),
            str(partial),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        try:
            expected, got = model(pictures).cpu(), OnnxNetwork(partial)(pictures)
        except ValueError as error:
            raise ValueError(f"the exported network does not run, nothing was written: {error}") from error
        difference = float((expected - got).abs().max())
        if not torch.allclose(got, expected, rtol=1e-4, atol=1e-4):
            raise ValueError(
                f"the exported network differs from the original by up to {difference:.3g}; nothing was "
                "written. Does its forward pass depend on the values of the input, or on random numbers?"
            )
    return difference


def quantise_onnx(path: str | Path, target: str | Path, *, calibration: Iterable[Tensor]) -> Path:
    """Write the network of the ONNX file `path` with int8 weights and activations to `target`, and give it.

    `calibration` are batches of normalised training pictures (B, C, H, W), float32; a few hundred pictures
    show the ranges of the activations. Do not take pictures of the test split. ValueError without a batch.
    """
    quantization = _package("onnxruntime.quantization")
    _package("onnx")
    batches = [batch.detach().cpu().numpy() for batch in calibration]
    if not batches:
        raise ValueError("calibration is empty; give some batches of training pictures")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[name-defined]
        def __init__(self) -> None:
            self._batches = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT: batch}

    with files.atomic_path(target) as partial, TemporaryDirectory() as folder, _quiet():
        prepared = Path(folder) / "prepared.onnx"
        quantization.quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(partial),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            activation_type=quantization.QuantType.QUInt8,
        )
    return Path(target)


def _package(name: str) -> Any:
    """Import an optional package, or say what to install."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"ONNX export needs the package {name!r}; install it with: pip install onnx onnxruntime "
            "onnxscript",
            name=error.name,
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' own chatter, about themselves and not about the network, from the reader."""
    logging_before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging_before)
