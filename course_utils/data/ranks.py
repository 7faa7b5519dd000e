"""Which of several training processes this is, and what the processes tell each other.

`torchrun` starts one process per GPU (or per group of cores) and gives each a rank. Without it there is one
process, and every function here is the plain thing: the sum of one value, the array itself. Source: the
collectives of `torch.distributed`. `training.distributed` opens the connection; notebook 15 uses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from course_utils import runtime


@dataclass(frozen=True)
class Processes:
    """This process is number `rank` of `world_size`, and number `local_rank` on its machine."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Tell whether this is the process that writes files and shows progress: rank 0."""
        return self.rank == 0


def current() -> Processes:
    """Give what torchrun made of this process; 0 of 1 without torchrun."""
    return Processes(*runtime.torchrun_place())


def all_sum(values: Sequence[float]) -> list[float]:
    """Give, for each of `values`, its sum over all processes, in float64 and equal on all of them."""
    if not _connected():
        return [float(value) for value in values]
    sums = torch.tensor(values, dtype=torch.float64, device=_device())
    dist.all_reduce(sums)
    return sums.tolist()


def gather_arrays(array: np.ndarray) -> np.ndarray:
    """Give the arrays (N_r, ...) of all processes, one after the other by rank, on every process.

    The N_r may differ and may be 0; then neither type nor further axes of that array count.
    """
    if not _connected():
        return array
    forms: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(forms, (array.shape, array.dtype.str))
    filled = [form for form in forms if form[0][0]] or forms
    (_, *tail), kind = filled[0]
    longest = max(shape[0] for shape, _ in forms)
    padded = np.zeros((longest, *tail), dtype=np.dtype(kind))  # a collective wants equal shapes
    if len(array):
        padded[: len(array)] = array
    mine = torch.from_numpy(padded).to(_device())
    parts = [torch.empty_like(mine) for _ in forms]
    dist.all_gather(parts, mine)
    return np.concatenate(
        [part.cpu().numpy()[: shape[0]] for part, (shape, _) in zip(parts, forms, strict=True)]
    )


def barrier() -> None:
    """Wait here until every process has come here."""
    if _connected():
        dist.barrier()


def broadcast_object(value: Any) -> Any:
    """Give rank 0's `value` on every process; the others' own is ignored."""
    if not _connected():
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, device=_device())
    return box[0]


def broadcast_buffers(model: nn.Module) -> None:
    """Give the buffers of `model` (batch norm's running statistics) the values they have on rank 0."""
    if _connected():
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


def _connected() -> bool:
    """Tell whether there are others to talk to; ValueError when they were started but not connected."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size() > 1
    processes = current()
    if processes.world_size > 1:
        raise ValueError(
            f"this is process {processes.rank} of {processes.world_size}, but they are not connected; "
            "put the work inside `with distributed.session(device):`"
        )
    return False


def _device() -> torch.device:
    """Give where a collective wants its tensors: nccl talks from GPU to GPU, gloo through memory."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
