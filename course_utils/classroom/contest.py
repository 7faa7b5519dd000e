"""A contest with hidden labels: pictures that nobody has seen, drawn from a secret seed, and their scoring.

The pictures are those of the drawn seedlings, so a class needs no download; the seed is 62 random bits, and
without it the labels of the test pictures cannot be worked out. The submission is checked as strictly as a
contest would.
"""

import csv
import io
import json
import secrets
from hashlib import blake2b
from pathlib import Path

from course_utils import files
from course_utils.classroom.grading import SubmissionMark
from course_utils.classroom.problem_set import ProblemSet
from course_utils.data.samples import seedlings
from course_utils.evaluation.submission_check import check_submission

NUM_IMAGES = 600
_PUBLIC = 0.3  # share of the test pictures that the public leaderboard shows
_MOST_BYTES = 5 << 20


def draw_contest(folder: Path, *, seed: int | None = None, num_images: int = NUM_IMAGES) -> Path:
    """Draw a contest into `folder`, unless it is there: pictures for students, labels for the teacher.

    `pictures/` holds train/CLASS/, test/ and sample_submission.csv; `labels.json` the labels of test/.
    """
    labels = folder / "labels.json"
    if labels.is_file():
        return folder
    seed = secrets.randbits(62) if seed is None else seed
    with files.atomic_folder(folder, replace_ours=True) as partial:
        pictures = partial / "pictures"
        pictures.mkdir()
        seedlings.write(pictures, seed=seed, num_images=num_images)
        files.write_json(partial / "labels.json", seedlings.test_labels(seed, num_images=num_images))
    return folder


def score(submission: Path, contest: Path) -> dict[str, float]:
    """Give the accuracy of a submission on the public and the private part of the test pictures.

    Raises ValueError, naming the row, for a file that a contest would not accept.
    """
    if submission.stat().st_size > _MOST_BYTES:
        raise ValueError(
            f"{submission.name} has more than {_MOST_BYTES >> 20} MB; "
            "expected a row of id and label per picture"
        )
    sample = contest / "pictures" / "sample_submission.csv"
    check_submission(submission, sample=sample, class_names=seedlings.CLASS_NAMES).raise_if_wrong()
    labels = json.loads((contest / "labels.json").read_text(encoding="utf-8"))
    rows = list(csv.reader(io.StringIO(submission.read_text(encoding="utf-8-sig"))))[1:]
    right = {name: label == labels[name] for name, label in rows}
    public = set(
        sorted(labels, key=lambda name: blake2b(name.encode()).digest())[: round(_PUBLIC * len(labels))]
    )
    parts = {"public": [name for name in labels if name in public], "private": sorted(set(labels) - public)}
    return {part: sum(right[name] for name in names) / len(names) for part, names in parts.items()}


def add_scores(problem_set: ProblemSet, marks: list[SubmissionMark], submitted: Path, contest: Path) -> None:
    """Score the submissions STUDENT.csv of the folder `submitted`, and give the contest's points for them."""
    for cell in problem_set.of_kind("contest"):
        low, high = cell.scale
        for mark in marks:
            (question,) = [one for one in mark.questions if one.name == cell.name]
            path = submitted / f"{mark.student}.csv"
            if mark.status == "forbidden" or not path.is_file():
                continue
            try:
                mark.contest = score(path, contest)
            except (ValueError, OSError) as error:
                question.message = " ".join(str(error).replace(str(path), "submission.csv").split())[:600]
                continue
            share = min(1.0, max(0.0, (mark.contest["private"] - low) / (high - low)))
            question.earned = round(share * cell.points, 1)
            question.message = f"accuracy {mark.contest['private']:.3f} on the hidden test pictures"
