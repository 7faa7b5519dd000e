"""What the course runs on: folders, processor, device, seeds, versions, memory.

The only file that reads or sets environment variables: `COURSE_PROFILE` (smoke, quick, full), `COURSE_DATA`,
`COURSE_RUNS` (folders), `COURSE_REAL_DATA` (real images for tests), and those of torchrun. Importing it costs
nothing; torch and NumPy are imported by the functions that need them.
"""

import hashlib
import os
import platform
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PROFILES = ("smoke", "quick", "full")
_LIBRARIES = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "pillow",
    "scikit-learn",
    "pandas",
    "matplotlib",
    "safetensors",
    "mlxtend",
    "papermill",
    "nbconvert",
)


def project_root() -> Path:
    """Give the folder with pyproject.toml above this package, else the current folder."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def data_dir() -> Path:
    """Give the folder of the data sets: `COURSE_DATA`, else `data` in the project."""
    return _folder("COURSE_DATA", project_root() / "data")


def runs_dir() -> Path:
    """Give the folder of the runs: `COURSE_RUNS`, else `runs` in the project."""
    return _folder("COURSE_RUNS", project_root() / "runs")


def real_data_dir() -> Path | None:
    """Give the folder with real images that some tests use: `COURSE_REAL_DATA`, else None."""
    given = os.environ.get("COURSE_REAL_DATA")
    return Path(given).expanduser().resolve() if given else None


def default_profile() -> str:
    """Give the profile that holds where none is given by hand: `COURSE_PROFILE`, else "quick".

    ValueError for another one.
    """
    given = os.environ.get("COURSE_PROFILE") or "quick"
    if given not in PROFILES:
        raise ValueError(
            f"the environment variable COURSE_PROFILE is {given!r}; expected one of {', '.join(PROFILES)}. "
            "Set it to one of them or unset it."
        )
    return given


def torchrun_place() -> tuple[int, int, int]:
    """Give rank, world size and local rank of this process as `torchrun` set them; (0, 1, 0) without it.

    They stand in `RANK`, `WORLD_SIZE` and `LOCAL_RANK`. Raises ValueError when some of the three are missing
    or are no numbers that fit together.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    given = {name: os.environ[name] for name in names if name in os.environ}
    if not given:
        return 0, 1, 0
    try:
        rank, world_size, local_rank = (int(given[name]) for name in names)
        fits = 0 <= local_rank <= rank < world_size
    except (KeyError, ValueError):
        fits = False
    if not fits:
        there = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise ValueError(
            f"the environment has {there}; expected all of RANK, WORLD_SIZE and LOCAL_RANK, as torchrun sets "
            "them. Start with torchrun, or unset them."
        )
    return rank, world_size, local_rank


def environment_of(names: Iterable[str]) -> dict[str, str]:
    """Give those of the environment variables `names` that are set, for a child that shall see no other."""
    return {name: os.environ[name] for name in names if name in os.environ}


def child_environment(**changes: str) -> dict[str, str]:
    """Give a copy of this process's environment with `changes`, for a child process."""
    return {**os.environ, **changes}


def cpu_count() -> int:
    """Give the number of processor cores that this process may use (at least 1)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads(num_threads: int) -> None:
    """Let numerical libraries use `num_threads` threads: torch now, others when imported, and in children.

    ValueError below 1.
    """
    if num_threads < 1:
        raise ValueError(f"num_threads is {num_threads}; expected at least 1")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(num_threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(num_threads)


def derive_seed(seed: int, kind: str, epoch: int = 0, index: int = 0) -> int:
    """Give the seed, in [0, 2**63), of one random decision: what kind it is, in which epoch, for which image.

    Equal arguments give equal seeds on every machine, and any change gives an unrelated one. So nothing
    depends on how many numbers were drawn before: a resumed run or another number of workers changes
    nothing.
    """
    text = f"{seed}|{kind}|{epoch}|{index}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def seed_everything(seed: int, *, deterministic: bool = False) -> None:
    """Seed Python's, NumPy's and torch's global generators, on all devices.

    With `deterministic`, torch also raises where it has no deterministic algorithm (slower on a GPU).
    """
    import numpy as np
    import torch

    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  libraries such as timm's Mixup draw from the global generator
    torch.manual_seed(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True)


def select_device(name: str = "auto") -> "torch.device":
    """Give the torch device "cpu", "cuda" or "mps"; "auto" takes the fastest there is.

    Raises ValueError for another name, or for a device that this machine or this torch does not have.
    """
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if name not in available:
        raise ValueError(f"device is {name!r}; expected auto, cpu, cuda or mps")
    if not available[name]:
        raise ValueError(
            f"device is {name!r}, but torch {torch.__version__} sees none here. Use 'auto' or 'cpu'."
        )
    return torch.device(name)


def hardware() -> dict[str, Any]:
    """Give what a time depends on: system, processor, cores, memory; GPUs once torch is imported."""
    import psutil

    facts: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor_name(),
        "cpu_cores": cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "accelerators": [],
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        facts["torch_threads"] = torch.get_num_threads()
        facts["accelerators"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            facts["accelerators"].append("Apple GPU (mps)")
    return facts


def library_versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that decide a result, without importing them."""
    from importlib import metadata

    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """Give the project's commit, with "-dirty" if tracked files differ from it; None outside a checkout."""
    import subprocess

    root = project_root()
    if not (root / ".git").exists():  # a folder inside somebody else's repository is not that repository
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, or git refuses the folder
        return None
    return done.stdout.strip()


def peak_memory_bytes() -> int:
    """Give the largest resident memory that this process has had so far."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent had before this program started
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes


def _folder(variable: str, default: Path) -> Path:
    given = os.environ.get(variable)
    return Path(given).expanduser().resolve() if given else default


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1] for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        if names:
            return names[0].strip()
    return platform.processor() or platform.machine()
