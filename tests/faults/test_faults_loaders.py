"""F20, F22, F23, F24: workers that die, have no room, are interrupted, or start without fork."""

import errno
import gc
import hashlib
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_all_start_methods, get_context
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from course_utils import runtime
from course_utils.data.augmentations import GALLERY, build_augment
from course_utils.data.datasets import PictureSet, labelled, unlabelled
from course_utils.data.layouts import Record
from course_utils.data.loaders import Batch, Batches
from course_utils.data.mixing import Mixing

pytestmark = pytest.mark.slow  # it starts processes

EVERY_STEP = [
    *({"name": name, **list(settings.values())[-1]} for name, settings in GALLERY.items()),
    {"name": "shear", "direction": "vertical", "p": 0.5},
    {"name": "v2.RandomInvert", "p": 0.5},
]
NUM_CLASSES = 3
needs_fork = pytest.mark.skipif("fork" not in get_all_start_methods(), reason="this system has no fork")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")


class BadPictures(PictureSet):
    """Something happens to the process that reads picture number 8, unless it is the first one."""

    happens = staticmethod(lambda: None)

    def pixels(self, indices: np.ndarray) -> torch.Tensor:
        if 8 in indices and torch.utils.data.get_worker_info() is not None:
            self.happens()
        return super().pixels(indices)


def die_by(number: int):
    return staticmethod(lambda: os.kill(os.getpid(), number))


def tiny_shared_memory() -> None:
    """From now on this process may make no file, in shared memory or elsewhere, above 100 bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def drawn_batches(num_images: int = 23, *, kind: type[PictureSet] = PictureSet, **options) -> Batches:
    pixels = np.random.default_rng(0).integers(0, 256, (num_images, 3, 16, 16), dtype=np.uint8)
    pictures = kind(
        [None] * num_images,
        np.arange(num_images) % NUM_CLASSES,
        [str(i) for i in range(num_images)],
        class_names=("a", "b", "c"),
        size=(16, 16),
        decoded=pixels,
    )
    return Batches(pictures, **{"batch_size": 5, "mean": [0.5] * 3, "std": [0.25] * 3, **options})


def assert_same(got: list[Batch], expected: list[Batch]) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def assert_all_gone(pids: list[int]) -> None:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@needs_fork
@needs_signals
def test_F22_a_killed_worker_gives_one_message_when_the_next_batch_is_asked_for():
    batches = drawn_batches(60, num_workers=2, multiprocessing_context="fork")
    epoch = batches.epoch()
    first = next(epoch)
    workers = batches.worker_processes
    killed = time.monotonic()
    os.kill(workers[0].pid, signal.SIGKILL)
    assert wait([workers[0].sentinel], timeout=10)
    assert torch.equal(first.indices, torch.arange(5))  # the step that was running is not interrupted
    with pytest.raises(ChildProcessError) as caught:
        list(epoch)
    message = str(caught.value)
    assert time.monotonic() - killed < 10
    assert "killed by SIGKILL" in message and "Lower num_workers (it is 2;" in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None  # no second traceback
    assert not any(process.is_alive() for process in workers) and not batches.worker_processes
    assert_same(list(batches.epoch(1)), list(drawn_batches(60).epoch(1)))  # it can go on afterwards
    batches.close()
    assert not active_children()


@needs_fork
@needs_signals
def test_F22_a_worker_that_takes_a_lock_with_it_does_not_hold_up_the_others():
    batches = drawn_batches(60, num_workers=2, multiprocessing_context="fork")
    epoch = batches.epoch()
    next(epoch)
    workers = batches.worker_processes
    done = batches._workers._running._workers_done_event
    assert done._cond._lock.acquire(timeout=10)  # as if it had been killed while it looked at the event
    os.kill(workers[0].pid, signal.SIGKILL)
    assert wait([workers[0].sentinel], timeout=10)
    with pytest.raises(ChildProcessError, match="Lower num_workers"):
        list(epoch)
    assert not any(process.is_alive() for process in workers)
    assert not active_children()


@needs_fork
@needs_signals
def test_F22_a_worker_killed_at_work_gives_the_same_message_to_the_one_who_waits(monkeypatch):
    monkeypatch.setattr(BadPictures, "happens", die_by(signal.SIGKILL))
    batches = drawn_batches(kind=BadPictures, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(ChildProcessError, match=r"killed by SIGKILL.*Lower num_workers \(it is 1;"):
        list(batches.epoch())
    assert not active_children()


@needs_fork
@needs_signals
@pytest.mark.parametrize("how", ["torch finds no room", "bus error", "no room for the queues"])
def test_F23_too_small_shared_memory_makes_the_same_batches_without_workers(monkeypatch, how):
    if how == "no room for the queues":

        def no_room(loader: DataLoader) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(DataLoader, "__iter__", no_room)
    else:
        happens = die_by(signal.SIGBUS) if how == "bus error" else staticmethod(tiny_shared_memory)
        monkeypatch.setattr(BadPictures, "happens", happens)
    options = {"kind": BadPictures, "shuffle": False, "augment": build_augment(["affine", "flip"])}
    batches = drawn_batches(num_workers=2, multiprocessing_context="fork", **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = [list(batches.epoch(number)) for number in (0, 1)]
    messages = [str(one.message) for one in caught if one.category is RuntimeWarning]
    assert len(messages) == 1 and "shared memory is too small for the batches of 2 workers" in messages[0]
    for number in (0, 1):
        assert_same(got[number], list(drawn_batches(**options).epoch(number)))
    assert batches.num_workers == 0 and not active_children()


@needs_fork
@needs_signals
def test_F20_an_interrupted_loop_leaves_no_worker_once_closed():
    batches = drawn_batches(60, num_workers=2, multiprocessing_context="fork")
    with pytest.raises(KeyboardInterrupt) as caught:
        for _ in batches.epoch():
            workers = batches.worker_processes
            signal.raise_signal(signal.SIGINT)
    assert len(workers) == 2
    batches.close()  # while the traceback still holds the loop, as a notebook's does
    assert caught.value.__traceback__ is not None
    assert not any(process.is_alive() for process in workers)


@needs_fork
def test_an_epoch_left_early_leaves_nothing_behind_for_the_next():
    batches = drawn_batches(num_workers=2, multiprocessing_context="fork", shuffle=True)
    next(batches.epoch(3))
    assert_same(list(batches.epoch(4)), list(drawn_batches(shuffle=True).epoch(4)))
    workers = batches.worker_processes
    del batches
    gc.collect()
    assert not any(process.is_alive() for process in workers)


PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
from test_faults_loaders import drawn_batches
if __name__ == "__main__":
    batches = drawn_batches(60, num_workers=2)
    for number, _ in enumerate(iter(lambda: list(batches.epoch()), None)):
        if number == 0:
            print(*(process.pid for process in batches.worker_processes), flush=True)
"""


@needs_signals
@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_F20_workers_go_when_their_program_goes(how):
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    environment = runtime.child_environment(OMP_NUM_THREADS="1")
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        pids = [int(text) for text in process.stdout.readline().split()]
        assert len(pids) == 2, process.communicate(timeout=30)[1]
        if how == "Ctrl-C":
            os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
        else:
            process.kill()
        _, errors = process.communicate(timeout=30)
        assert_all_gone(pids)
    finally:
        process.kill()
    if how == "Ctrl-C":
        assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")


def digest_of(batches: Batches) -> str:
    """Give the hash of a batch: what a worker that knows nothing but its argument makes of it."""
    made = hashlib.sha256()
    for tensor in batches[2, 1]:
        made.update(tensor.numpy().tobytes())
    return made.hexdigest()


def every_kind_of_batches(folder: Path) -> dict[str, Batches]:
    """Every data set of the package, and every transform, each as something to be sent to a worker."""
    records = []
    for number in range(9):
        path = folder / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        records.append(Record(path, "abc"[number % 3], "train", path.name))
    reading = {"class_names": ("a", "b", "c"), "size": (16, 16)}
    files = labelled(records, **reading)
    sets = {
        "files": files,
        "grey, padded": labelled(records, **reading, mode="L", fit="pad", interpolation="bicubic"),
        "unlabelled": unlabelled(records, **reading),
        "in memory": files.in_memory(),
        "cached": files.cached(folder=folder / "cache"),
        "part of a cache": files.cached(folder=folder / "cache").subset([5, 1, 2, 7]),
    }
    made = {}
    for name, pictures in sets.items():
        channels = pictures.num_channels
        made[name] = Batches(pictures, batch_size=2, mean=[0.5] * channels, std=[0.2] * channels)
    for entry in EVERY_STEP:
        augment = build_augment([entry], seed=1)
        made[f"step {entry['name']} {len(made)}"] = drawn_batches(shuffle=True, augment=augment)
    for library in ("timm", "torchvision"):
        mix = Mixing(num_classes=NUM_CLASSES, library=library)
        made[f"mixed by {library}"] = drawn_batches(mix=mix)
    return made


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_F24_every_data_set_and_transform_works_in_a_process_started_afresh(tmp_path, method):
    if method not in get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    made = every_kind_of_batches(tmp_path)
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        there = dict(zip(made, pool.map(digest_of, made.values()), strict=True))
    assert there == {name: digest_of(batches) for name, batches in made.items()}


@needs_fork
def test_the_number_of_threads_and_workers_changes_no_bit():
    """Workers compute with one thread each, the main process with all: large enough to be split."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 3, 96, 96), dtype=np.uint8)
    pictures = PictureSet(
        [None] * 24, np.arange(24) % 3, [""] * 24, class_names=("a", "b", "c"), size=(96, 96), decoded=pixels
    )
    options = {
        "batch_size": 12,
        "mean": [0.5] * 3,
        "std": [0.2] * 3,
        "augment": build_augment(
            ["flip", "quarter_turns", "affine", "color_jitter", "random_erasing", "gaussian_blur"]
        ),
        "mix": Mixing(num_classes=NUM_CLASSES),
    }
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        alone = list(Batches(pictures, **options).epoch())
        several = Batches(pictures, num_workers=2, multiprocessing_context="fork", **options)
        assert_same(list(several.epoch()), alone)
        several.close()
    finally:
        torch.set_num_threads(before)


def test_moves_on_bytes_equal_moves_on_floats():
    """The loader turns and mirrors bytes; a step that computes gets floats: the values are the same."""
    upright = {"name": "flip", "direction": "vertical"}
    augment = build_augment(["flip", "quarter_turns", upright, "rotation"], seed=4)
    indices = np.arange(23)
    stored = drawn_batches().pictures.pixels(indices)
    on_bytes = augment(stored, epoch=1, indices=indices)
    on_floats = augment(stored.to(torch.float32).div_(255), epoch=1, indices=indices)
    assert on_bytes.dtype == torch.float32 and torch.equal(on_bytes, on_floats)
    moves = build_augment(["flip", "quarter_turns"], seed=4)
    moved = moves(stored, epoch=1, indices=indices)
    assert moved.dtype == torch.uint8
    assert torch.equal(moved.sort(dim=-1).values.sum(), stored.sum()) and not torch.equal(moved, stored)
