"""Training with several processes, on one machine or many: `torchrun` and DistributedDataParallel.

    torchrun --nproc-per-node 2 -m course_utils train recipes/seedlings_rdnet.toml
    torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29400 \\
        -m course_utils train recipes/seedlings_rdnet.toml          # the same on each of two machines

Every process holds the whole model and works on its share of each batch; after the backward pass the
gradients are averaged. Two things make the result that of one process with the whole batch, but for
rounding. The shares may differ in size (61 pictures at batch size 20 make batches of 16, 15, 15, 15), so the
mean of the processes' means would be wrong: `steps` divides by the weight of the whole batch. And every
picture of a validation set is predicted by exactly one process (`evaluation.predict`).

Batch norm is where it differs. On GPUs `wrap` puts SyncBatchNorm in its place: mean and variance are those of
the whole batch. That layer does not exist for CPUs: there each process normalises with its own share,
as if the batch were that much smaller, and rank 0's running statistics are the ones that are kept, saved and
evaluated with. Dropout and mixing draw numbers of their own on each process, so these differ too.
Models without the three agree to rounding, which the tests check with gloo on two CPU processes. The path
with GPUs (nccl, SyncBatchNorm) has not been run: no GPU was at hand.

Sources: Li et al. 2020, "PyTorch Distributed", arXiv 2006.15704; Goyal et al. 2017, arXiv 1706.02677,
section 3, for the mean over unequal shares. Notebook 15 starts it.
"""

import codecs
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from course_utils import runtime
from course_utils.data.loaders import Batches
from course_utils.data.ranks import (
    Processes,
    all_sum,
    barrier,
    broadcast_buffers,
    broadcast_object,
    current,
    gather_arrays,
)

__all__ = [
    "Processes",
    "all_sum",
    "barrier",
    "broadcast_buffers",
    "broadcast_object",
    "check_shares",
    "current",
    "gather_arrays",
    "launch",
    "session",
    "unwrap",
    "wrap",
]


@contextmanager
def session(device: torch.device | str = "cpu", *, timeout_s: float = 1800.0) -> Iterator[Processes]:
    """Connect the processes that torchrun started, for the block; give which one this is.

    One process has nobody to connect to, so nothing happens. On GPUs each process takes the one with its
    local rank. `timeout_s`: how long a process waits for the others before it gives up with an error.
    """
    processes = current()
    if processes.world_size == 1:
        yield processes
        return
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(processes.local_rank)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=timedelta(seconds=timeout_s))
    try:
        yield processes
    finally:
        dist.destroy_process_group()


def wrap(model: nn.Module, *, device: torch.device | str = "cpu") -> nn.Module:
    """Give `model`, already on `device`, with gradients that are averaged over all processes.

    All start from rank 0's weights. With one process it is the model itself. Only parameters that want a
    gradient now take part: after freezing or unfreezing, wrap `unwrap(model)` anew.
    """
    processes = current()
    if processes.world_size == 1:
        return model
    if torch.device(device).type == "cuda":
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return DistributedDataParallel(model, device_ids=[processes.local_rank])
    return DistributedDataParallel(model)


def unwrap(model: nn.Module) -> nn.Module:
    """Give the model inside what `wrap` gave: the one to save, evaluate and average."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def check_shares(batches: Batches) -> None:
    """Raise ValueError when a process would get no picture of some training batch."""
    smallest = len(batches.pictures) // len(batches)
    if smallest < batches.world_size:
        raise ValueError(
            f"{len(batches.pictures)} pictures at batch size {batches.batch_size} make batches of "
            f"{smallest}, too few for {batches.world_size} processes. Start fewer, or raise batch_size."
        )


def launch(arguments: Sequence[str], *, num_processes: int) -> int:
    """Run `python -m course_utils ARGUMENTS` in `num_processes` processes; give the exit code (0: well).

    For notebooks: what the processes print appears as it comes, and interrupting the cell ends them all. The
    cores are dealt out evenly. ValueError for fewer than one process.
    """
    if num_processes < 1:
        raise ValueError(f"num_processes is {num_processes}; expected at least 1")
    threads = max(1, runtime.cpu_count() // num_processes)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"),
        *("--nproc-per-node", str(num_processes), "-m", "course_utils", *arguments),
    ]
    environment = runtime.child_environment(OMP_NUM_THREADS=str(threads))
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    try:
        while chunk := process.stdout.read(4096):  # what is there, as it comes: a progress bar has no lines
            sys.stdout.write(decoder.decode(chunk))
            sys.stdout.flush()
        return process.wait()
    finally:
        if process.poll() is None:  # interrupted: torchrun passes SIGTERM on to its processes
            process.terminate()
            process.wait()
        process.stdout.close()
