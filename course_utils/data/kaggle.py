"""Fetch the published sets: from Kaggle through kagglehub, MNIST from its mirror.

Both need a network; Kaggle also an account and, for a competition, accepted rules. Whatever is missing, the
error says how to get the same files by hand.
"""

from pathlib import Path

from course_utils.data.catalog import DatasetInfo
from course_utils.data.downloads import download

_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MNIST_FILES = {  # name -> (bytes, sha256)
    "train-images-idx3-ubyte.gz": (
        9912422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte.gz": (
        28881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte.gz": (
        1648877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        4542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}


def fetch(info: DatasetInfo) -> Path:
    """Give the folder into which kagglehub has put the set.

    Raises RuntimeError with the manual steps, ValueError for a set that is not on Kaggle.
    """
    if not info.kaggle:
        raise ValueError(
            f"{info.name} is not on Kaggle. Use source='sample', or give a folder or an archive as source."
        )
    try:
        import kagglehub
    except ImportError as error:
        raise RuntimeError(_by_hand(info, "the package kagglehub is not installed")) from error
    load = kagglehub.competition_download if info.kaggle_kind == "competition" else kagglehub.dataset_download
    try:
        return Path(load(info.kaggle))
    except Exception as error:  # HTTP, network, credentials, rules: kagglehub has no common type
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        raise RuntimeError(_by_hand(info, reason)) from error


def fetch_mnist(info: DatasetInfo, root: Path, *, progress: bool = False) -> Path:
    """Give the folder with the four original MNIST files, downloaded and verified by size and SHA-256.

    ValueError for another set, or a file that is not the right one; RuntimeError without a network.
    """
    if info.name != "digits":
        raise ValueError(f"source 'download' is only for digits; for {info.name} use 'kaggle' or a path")
    folder = root / "mnist-idx"
    for name, (size, sha256) in _MNIST_FILES.items():
        if not (folder / name).is_file():
            download(_MIRROR + name, target=folder / name, sha256=sha256, size=size, progress=progress)
    return folder


def _by_hand(info: DatasetInfo, reason: str) -> str:
    kind = "competitions" if info.kaggle_kind == "competition" else "datasets"
    steps = [f"open kaggle.com/{kind}/{info.kaggle} in a browser and sign in"]
    if info.kaggle_kind == "competition":
        steps.append("accept the rules of the competition (button 'Join' or 'Late Submission')")
    steps += [
        "press 'Download' ('Download All' under the tab 'Data'); you get a zip file",
        f"run `python -m course_utils data prepare {info.name} --source PATH_OF_THE_ZIP`",
    ]
    listed = "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))
    return (
        f"{info.name} cannot be fetched from Kaggle ({reason}).\nBy hand:\n{listed}\n"
        "Or work with the sample: source='sample' needs no network."
    )
