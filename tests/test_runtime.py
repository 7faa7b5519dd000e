import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import runtime

ROOT = Path(__file__).resolve().parent.parent


def test_folders_do_not_depend_on_the_current_folder(tmp_path, monkeypatch):
    for name in ("COURSE_DATA", "COURSE_RUNS", "COURSE_REAL_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert runtime.project_root() == ROOT
    assert runtime.data_dir() == ROOT / "data"
    assert runtime.runs_dir() == ROOT / "runs"
    assert runtime.real_data_dir() is None


def test_the_environment_moves_the_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "d"))
    monkeypatch.setenv("COURSE_RUNS", "~/r")
    monkeypatch.setenv("COURSE_REAL_DATA", str(tmp_path))
    assert runtime.data_dir() == tmp_path / "d"
    assert runtime.runs_dir() == Path.home() / "r"
    assert runtime.real_data_dir() == tmp_path


def test_profile_comes_from_the_environment_else_quick(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert runtime.default_profile() == "quick"
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert runtime.default_profile() == "full"
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match="COURSE_PROFILE is 'fast'; expected one of smoke, quick, full"):
        runtime.default_profile()


def test_derived_seeds_are_fixed_and_differ_in_every_argument():
    first = runtime.derive_seed(0, "augment", epoch=1, index=2)
    command = "from course_utils import runtime; print(runtime.derive_seed(0, 'augment', 1, 2))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert int(done.stdout) == first, "another process gives the same seed"
    others = [
        runtime.derive_seed(seed, kind, epoch, index)
        for seed in range(3)
        for kind in ("augment", "order")
        for epoch in range(12)
        for index in range(112)
    ]
    assert len(set(others)) == len(others)
    assert all(0 <= seed < 2**63 for seed in others)
    # Uniform enough that the mean of the top bits is near one half (standard error 0.5 / sqrt(n)).
    top_bits = np.array(others) >> 62
    assert abs(top_bits.mean() - 0.5) < 5 * 0.5 / np.sqrt(len(others))


def test_seed_everything_repeats_all_generators():
    import random

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    runtime.seed_everything(7)
    first = draw()
    assert draw() != first
    runtime.seed_everything(7)
    assert draw() == first
    with pytest.raises(ValueError, match="seed is -1"):
        runtime.seed_everything(-1)


def test_device_names_are_checked():
    assert runtime.select_device("cpu") == torch.device("cpu")
    assert runtime.select_device().type in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="device is 'gpu'; expected auto, cpu, cuda or mps"):
        runtime.select_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device is 'cuda'"):
            runtime.select_device("cuda")


def test_facts_about_the_machine_can_be_written_down():
    facts = json.loads(json.dumps([runtime.hardware(), runtime.library_versions()]))
    assert facts[0]["cpu_cores"] == runtime.cpu_count() >= 1
    assert facts[1]["torch"] == torch.__version__.split("+")[0] or facts[1]["torch"] == torch.__version__


def test_git_commit_is_the_one_of_this_checkout(tmp_path, monkeypatch):
    if (ROOT / ".git").exists():
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        commit = runtime.git_commit()
        assert commit is not None and commit.removesuffix("-dirty") == head.stdout.strip()
    monkeypatch.setattr(runtime, "project_root", lambda: tmp_path)
    assert runtime.git_commit() is None


def test_peak_memory_counts_what_was_held_once():
    before = runtime.peak_memory_bytes()
    block = bytearray(os.urandom(1)) * (before + 50_000_000)
    del block
    assert runtime.peak_memory_bytes() >= before + 50_000_000


def test_thread_limit_reaches_torch_and_children():
    code = (
        "import torch, subprocess, sys; from course_utils import runtime; runtime.limit_threads(1); "
        "print(torch.get_num_threads(), runtime.child_environment(X='1')['OMP_NUM_THREADS'])"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["1", "1"]
    with pytest.raises(ValueError, match="num_threads is 0"):
        runtime.limit_threads(0)
