"""`doctor`: what this machine can do."""

import argparse
import platform
import shutil
import sys
from importlib import import_module
from typing import Any

from course_utils import runtime

_NEEDED = ("torch", "torchvision", "timm", "numpy", "PIL", "sklearn", "matplotlib", "papermill", "jupyterlab")


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    doctor = subparsers.add_parser("doctor", parents=[common], help="show what this machine can do")
    doctor.set_defaults(function=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    missing = _missing_packages()
    rows = [
        ("python", f"{platform.python_version()} at {sys.executable}"),
        ("torch", _torch_facts()),
        *_machine_rows(),
        ("disk free", _gigabytes(shutil.disk_usage(runtime.project_root()).free)),
        ("data", _data_facts()),
        ("profile", runtime.default_profile()),
        ("network", "not needed for the profiles smoke and quick"),
        ("packages", "all there" if not missing else f"missing: {', '.join(missing)}"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, fact in rows:
        print(f"{name:<{width}}  {fact}")
    if missing:
        print("\nRun `pip install -r requirements.txt` in the folder of the project.")
    return 1 if missing else 0


def _missing_packages() -> list[str]:
    from importlib.util import find_spec

    return [name for name in _NEEDED if find_spec(name) is None]


def _torch_facts() -> str:
    try:
        torch = import_module("torch")
    except ImportError as error:
        return f"cannot be imported: {error}"
    return f"{torch.__version__}, device {runtime.select_device()}, {torch.get_num_threads()} threads"


def _machine_rows() -> list[tuple[str, str]]:
    try:
        facts = runtime.hardware()
    except ImportError:  # psutil tells the memory
        return [("processor", f"{platform.machine()}, {runtime.cpu_count()} cores")]
    return [
        ("processor", f"{facts['processor']}, {facts['cpu_cores']} cores"),
        ("memory", _gigabytes(facts["memory_bytes"])),
        ("accelerators", ", ".join(facts["accelerators"]) or "none"),
    ]


def _data_facts() -> str:
    folder = runtime.data_dir()
    prepared = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    prepared = [name for name in prepared if not name.startswith(".")]
    return f"{', '.join(prepared) or 'nothing prepared yet'} in {folder}"


def _gigabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB"
