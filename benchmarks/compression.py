"""What is paid and what is gained when a trained network is made smaller: one table, measured in one run.

    python -m benchmarks.compression RUN [--share 0.8] [--width 0.5] [--repair-epochs 2]
                                     [--student-epochs 12] [--seed 0] [--record NAME]

RUN is a folder that `python -m course_utils train` made, such as digits_mobilenetv3_small. From its network
come: a pruned one (of each layer the SHARE of smallest weights is zero) as it is and after training
on, one with int8 weights, a student of WIDTH times its channels taught by it, the same student alone (equal
first weights, pictures, order and steps), and ONNX files in float32 and int8. The training part serves for
training on and for calibration; all are measured on the test part: bytes of the file, also zipped, accuracy
with its 95 % interval, the share of pictures decided otherwise, time for one picture on one thread.
Claim: the ONNX file gives the same logits to 1e-4 on the whole test part.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measuring import row, show_or_record, table
from benchmarks.provenance import tree_state
from course_utils import runtime
from course_utils.data.loaders import Batches
from course_utils.data.ranks import Processes
from course_utils.evaluation.compression_table import Candidate, Row, compression_table
from course_utils.models import weights
from course_utils.models.counting import count_parameters
from course_utils.models.export import OnnxNetwork, export_onnx, quantise_onnx
from course_utils.models.pruning import make_permanent_, pruned, sparsity
from course_utils.models.quantisation import load_quantised_, quantised_state
from course_utils.recipes import OpenedRun, open_run
from course_utils.recipes.building import build
from course_utils.recipes.prepared import Prepared
from course_utils.training.losses import DistillationLoss

HEADER = [
    "network", "file (kB)", "zipped (kB)", "accuracy", "95 % interval", "decides otherwise",
    "ms for a picture", "quartiles",
]  # fmt: skip
TEMPERATURE, TEACHERS_SHARE = 4.0, 0.9


def training_batches(opened: OpenedRun, seed: int) -> Batches:
    """Give the run's training pictures, decoded, shuffled and augmented as its recipe says, unmixed."""
    pictures, recipe = opened.pictures("train").in_memory(), opened.recipe
    recipe = replace(
        recipe, data=replace(recipe.data, mixing=None), training=replace(recipe.training, seed=seed)
    )
    return Prepared(pictures, pictures, None, opened.transform).train_batches(recipe, Processes())


def train(
    model: nn.Module,
    batches: Batches,
    *,
    teacher: nn.Module | None,
    epochs: int,
    learning_rate: float,
) -> nn.Module:
    """Train in place with one cycle of the learning rate; with a teacher, mostly on its answers."""
    loss_function = DistillationLoss(0.0 if teacher is None else TEACHERS_SHARE, TEMPERATURE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=epochs * len(batches) + 1
    )
    for epoch in range(epochs):
        model.train()
        for images, targets, _ in batches.epoch(epoch):
            logits = model(images)  # (B, K)
            with torch.no_grad():
                answers = logits if teacher is None else teacher(images)  # (B, K)
            optimizer.zero_grad()
            loss_function(logits, answers, targets).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def smaller_networks(opened: OpenedRun, batches: Batches, given: argparse.Namespace) -> dict[str, nn.Module]:
    """Give the networks by name, the trained one first."""
    teacher, recipe = opened.model, opened.recipe
    shown = f"{given.share:.0%} zeros".replace("%", " %")
    # the same share of each layer: ranked over the whole network, all weights of the head are the smallest,
    # it loses every one, and nothing can be repaired
    sparse = pruned(teacher, given.share, scope="layer")
    as_it_is = make_permanent_(pruned(teacher, given.share, scope="layer")).eval()
    repaired = train(sparse, batches, teacher=None, epochs=given.repair_epochs, learning_rate=1e-3)
    make_permanent_(repaired)
    assert abs(sparsity(repaired) - given.share) < 0.01, "zeros did not stay zeros"
    narrow = replace(recipe.model, width_factor=recipe.model.width_factor * given.width, pretrained=False)
    student_of = replace(recipe, model=narrow, training=replace(recipe.training, seed=given.seed))
    students = {}
    for name, taught_by in (("alone", None), ("taught", teacher)):
        student = build(student_of, num_classes=len(opened.class_names))
        students[f"student, {name}"] = train(
            student, batches, teacher=taught_by, epochs=given.student_epochs, learning_rate=3e-3
        )
    return {"as trained": teacher, shown: as_it_is, f"{shown}, trained on": repaired, **students}


def candidates_of(
    networks: dict[str, nn.Module], opened: OpenedRun, batches: Batches, folder: Path
) -> list[Candidate]:
    """Write each network to a file of `folder`, with int8 and ONNX forms of the first."""
    found = []
    for number, (name, network) in enumerate(networks.items()):
        path = folder / f"{number}.safetensors"
        weights.save_weights(path, network.state_dict())
        found.append(Candidate(name, network, path))
    first = networks["as trained"]
    state = quantised_state(first)
    weights.save_weights(folder / "int8.safetensors", state)
    in_int8 = build(opened.recipe, num_classes=len(opened.class_names), pretrained=False)
    found.append(
        Candidate("int8 weights", load_quantised_(in_int8, state).eval(), folder / "int8.safetensors")
    )
    exported, small = folder / "network.onnx", folder / "int8.onnx"
    data = opened.recipe.data
    export_onnx(first, exported, image_size=data.image_size, in_channels=1 if data.mode == "L" else 3)
    quantise_onnx(exported, small, calibration=[batches[0, i].images for i in range(min(4, len(batches)))])
    found += [
        Candidate(name, OnnxNetwork(path), path) for name, path in (("ONNX", exported), ("ONNX int8", small))
    ]
    return found


@torch.inference_mode()
def largest_difference(one: nn.Module, other: OnnxNetwork, images: Tensor) -> float:
    """Give the largest absolute difference of a logit over all pictures."""
    return max(float((one(part) - other(part)).abs().max()) for part in images.split(256))


def line(found: Row) -> list[object]:
    """Give a line of the table."""
    return [
        found.name,
        round(found.num_bytes / 1000),
        round(found.num_bytes_zipped / 1000),
        round(found.accuracy, 4),
        f"{found.low:.4f} to {found.high:.4f}",
        f"{100 * found.changed:.1f} %",
        round(1000 * found.latency_s, 3),
        f"{1000 * found.latency_low_s:.3f} to {1000 * found.latency_high_s:.3f}",
    ]


def measure(
    opened: OpenedRun, given: argparse.Namespace
) -> tuple[list[Row], float, dict[str, nn.Module], int]:
    """Give the rows, the largest difference of the ONNX file, the networks, and the number of pictures."""
    learnt = training_batches(opened, given.seed)
    networks = smaller_networks(opened, learnt, given)
    tested = list(opened.batches(opened.pictures("test")).epoch())
    images, targets = torch.cat([one.images for one in tested]), torch.cat([one.targets for one in tested])
    with tempfile.TemporaryDirectory() as folder:
        candidates = candidates_of(networks, opened, learnt, Path(folder))
        runtime.limit_threads(1)
        rows = compression_table(candidates, images, targets)
        exported: Any = next(one.predict for one in candidates if one.name == "ONNX")
        difference = largest_difference(opened.model, exported, images)
    return rows, difference, networks, len(targets)


def main() -> None:
    """Read the command line, measure, show or record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--repair-epochs", type=int, default=2)
    parser.add_argument("--student-epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    started = tree_state()
    opened = open_run(given.run)
    found, difference, networks, count = measure(opened, given)
    parameters = {name: count_parameters(network) for name, network in networks.items()}
    options = " ".join(
        f"--{name.replace('_', '-')} {getattr(given, name)}"
        for name in ("share", "width", "repair_epochs", "student_epochs", "seed")
    )
    show_or_record(
        given.record,
        command=f"python -m benchmarks.compression {opened.run.path.name} {options}",
        what=f"Recipe {opened.recipe.name}, {count} test pictures, times of one picture on one thread. The "
        f"network has {parameters['as trained']:,} parameters, the student "
        f"{parameters['student, taught']:,}; it was taught with a temperature of {TEMPERATURE:g} "
        f"and {TEACHERS_SHARE:g} of the loss on the teacher's answers, trained like the one alone.",
        rows=[row("largest difference of a logit in ONNX, <= 0.0001", [difference])],
        tables=[table(HEADER, [line(one) for one in found])],
        started=started,
    )
    if difference > 1e-4:
        raise SystemExit("the ONNX file differs by more than 1e-4")


if __name__ == "__main__":
    main()
