"""The blank sheet of `notebooks/17_your_own_images`, continued: the result, and the file.

The figures are worked out again from the reader's own predictions; the file is opened and checked.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.checks.assertions import close, same_type
from course_utils.checks.blank_sheet import needs_keys, temporary_folder
from course_utils.checks.exercise import Exercise, Verdict, Wrong
from course_utils.evaluation.comparison import wilson_interval
from course_utils.evaluation.submission import check_submission, from_sample

_RESULT = ("learnt", "truth", "predicted", "accuracy", "interval", "baseline", "claim")


def _verify_result(answer: Any) -> Verdict:
    needs_keys(answer, _RESULT, "own_result")
    truth, predicted, learnt = ([str(one) for one in answer[key]] for key in ("truth", "predicted", "learnt"))
    if len(truth) != len(predicted) or not truth:
        raise Wrong(f"got {len(truth)} true and {len(predicted)} predicted labels; expected as many of both")
    if odd := sorted(set(predicted) - set(learnt)):
        raise Wrong(f"{odd[0]!r} is predicted but stands in no training label; are names and numbers mixed?")
    right = sum(one == other for one, other in zip(truth, predicted, strict=True))
    if abs(float(answer["accuracy"]) - 100 * right / len(truth)) < 0.5 and right:
        raise Wrong("give the accuracy as a share between 0 and 1, not in percent")
    close(answer["accuracy"], right / len(truth), 1e-3, what="accuracy")
    close(
        list(answer["interval"]),
        list(wilson_interval(right, len(truth))),
        2e-3,
        what="interval (Wilson, 95 %)",
    )
    usual = Counter(learnt).most_common(1)[0][0]
    zero = truth.count(usual) / len(truth)
    best_of_test = Counter(truth).most_common(1)[0][1] / len(truth)
    if abs(float(answer["baseline"]) - zero) > 1e-3 and abs(float(answer["baseline"]) - best_of_test) <= 1e-3:
        raise Wrong(
            f"baseline is {answer['baseline']:.4g}: that is the most frequent class of the test part. The "
            "rule may "
            f"only know the training labels, whose most frequent class is {usual!r}: {zero:.4g}"
        )
    close(answer["baseline"], zero, 1e-3, what="baseline")
    works = answer["interval"][0] > answer["baseline"]
    if answer["claim"] not in ("works", "not shown"):
        raise Wrong(f"claim is {answer['claim']!r}; expected 'works' or 'not shown'")
    if (answer["claim"] == "works") != works:
        low = float(answer["interval"][0])
        raise Wrong(
            f"the interval begins at {low:.3f} and the baseline is {zero:.3f}: "
            + ("that it works is not shown" if not works else "it does better than the baseline, so say so")
        )
    spread = "" if works else " More test pictures would narrow the interval; a better model would move it."
    return Verdict("correct", f"{right} of {len(truth)} right, and the claim holds.{spread}")


own_result = Exercise(
    name="own_result",
    question=(
        "Write down what you reached: a dictionary `own_result` with the lists `learnt` (labels of the "
        "training "
        "part), `truth` and `predicted` (of the test part), and with `accuracy`, `interval` (Wilson's, "
        "95 %), "
        "`baseline` (accuracy on the test part of always naming the most frequent class of the training "
        "part), and "
        "`claim`: 'works' if the whole interval lies above the baseline, else 'not shown'."
    ),
    verify=_verify_result,
    hint_text=(
        "`comparison.wilson_interval(number of right ones, number of pictures)` gives the interval; "
        "`collections.Counter(learnt).most_common(1)` the most frequent class."
    ),
    solution_source="""
        from collections import Counter

        from course_utils.evaluation.comparison import wilson_interval

        learnt = ["apple"] * 30 + ["pear"] * 20  # your own labels and predictions here
        truth = ["apple"] * 12 + ["pear"] * 8
        predicted = ["apple"] * 11 + ["pear"] * 9
        right = sum(one == other for one, other in zip(truth, predicted))
        usual = Counter(learnt).most_common(1)[0][0]
        interval, baseline = wilson_interval(right, len(truth)), truth.count(usual) / len(truth)
        own_result = {
            "learnt": learnt,
            "truth": truth,
            "predicted": predicted,
            "accuracy": right / len(truth),
            "interval": interval,
            "baseline": baseline,
            "claim": "works" if interval[0] > baseline else "not shown",
        }
    """,
    wrong_answers={
        "in percent": """
            own_result = {"learnt": ["a", "a", "b"], "truth": ["a", "b"], "predicted": ["a", "b"],
                          "accuracy": 100.0, "interval": (0.34, 1.0), "baseline": 0.5, "claim": "not shown"}
        """,
        "that it works is not shown": """
            from course_utils.evaluation.comparison import wilson_interval

            own_result = {"learnt": ["a"] * 3 + ["b"], "truth": ["a"] * 6 + ["b"] * 4,
                          "predicted": ["a"] * 6 + ["b"] * 2 + ["a"] * 2, "accuracy": 0.8,
                          "interval": wilson_interval(8, 10), "baseline": 0.6, "claim": "works"}
        """,
        "most frequent class of the test part": """
            from course_utils.evaluation.comparison import wilson_interval

            own_result = {"learnt": ["a"] * 3 + ["b"], "truth": ["a"] * 4 + ["b"] * 6,
                          "predicted": ["a"] * 4 + ["b"] * 6, "accuracy": 1.0,
                          "interval": wilson_interval(10, 10), "baseline": 0.6, "claim": "works"}
        """,
        "interval (Wilson": """
            own_result = {"learnt": ["a"] * 3 + ["b"], "truth": ["a"] * 6 + ["b"] * 4,
                          "predicted": ["a"] * 8 + ["b"] * 2, "accuracy": 0.8,
                          "interval": (0.552, 1.048), "baseline": 0.6, "claim": "not shown"}
        """,
    },
    other_right_answers=[
        """
        from course_utils.evaluation.comparison import wilson_interval

        own_result = dict(learnt=[0, 0, 1, 1, 0], truth=[0] * 10 + [1] * 10, predicted=[1] * 10 + [0] * 10,
                          accuracy=0.0, interval=wilson_interval(0, 20), baseline=0.5, claim="not shown")
        """,
        """
        import numpy as np
        from course_utils.evaluation.comparison import wilson_interval

        truth = np.repeat(["a", "b", "c"], 20)
        predicted = np.where(np.arange(60) % 10 == 0, "a", truth)
        right = int((truth == predicted).sum())
        own_result = {"learnt": np.repeat(["a", "b", "c"], [41, 40, 40]), "truth": truth,
                      "predicted": predicted, "accuracy": np.mean(truth == predicted),
                      "interval": list(wilson_interval(right, 60)), "baseline": 1 / 3, "claim": "works"}
        """,
    ],
)


def example_sample() -> Path:
    """A sample submission of three pictures, in a folder that goes when this process ends."""
    path = temporary_folder() / "sample_submission.csv"
    files.write_text(path, "photo,dish\nnew_1,soup\nnew_2,soup\nnew_10,soup\n")
    return path


def _verify_submission(answer: Any) -> Verdict:
    needs_keys(answer, ("file", "sample", "class_names"), "own_submission")
    names = [str(name) for name in answer["class_names"]]
    for key in ("file", "sample"):
        same_type(answer[key], (str, Path), what=f"own_submission[{key!r}]")
        if not Path(answer[key]).is_file():
            raise Wrong(f"there is no file {Path(answer[key]).name!r} ({key})")
    form = from_sample(answer["sample"], class_names=names)
    result = check_submission(answer["file"], form=form, class_names=names)
    if not result.ok:
        more = f" (and {len(result.problems) - 1} more)" if len(result.problems) > 1 else ""
        raise Wrong(f"{result.problems[0]}{more}")
    return Verdict("correct", f"{result.num_rows} rows, as the sample asks for. Send it.")


own_submission = Exercise(
    name="own_submission",
    question=(
        "Write a submission for pictures that nobody has labelled, in the form of a sample: a dictionary "
        "`own_submission` with `file`, `sample` (paths of both) and `class_names`."
    ),
    verify=_verify_submission,
    hint_text=(
        "`submission.from_sample` learns the form, `submission_ids.ids_of_files` finds the ids of your "
        "files, "
        "`submission.write_submission` writes. If nobody gave you a sample, make one: it is a promise to "
        "yourself."
    ),
    solution_source="""
        from course_utils.checks.blank_results import example_sample
        from course_utils.evaluation import submission

        sample = example_sample()  # your own sample here
        class_names = ("bread", "soup")
        form = submission.from_sample(sample, class_names=class_names)
        predicted = {"new_1": "soup", "new_2": "bread", "new_10": "bread"}  # your own predictions here
        file = submission.write_submission(
            sample.with_name("submission.csv"), list(predicted), list(predicted.values()), form,
            class_names=class_names,
        )
        own_submission = {"file": file, "sample": sample, "class_names": class_names}
    """,
    praise="",
    wrong_answers={
        "the file ends here": """
            from course_utils.checks.blank_results import example_sample

            sample = example_sample()
            file = sample.with_name("mine.csv")
            file.write_text("photo,dish\\nnew_1,soup\\nnew_2,bread\\n")
            own_submission = {"file": file, "sample": sample, "class_names": ["bread", "soup"]}
        """,
        "did you mean 'bread'": """
            from course_utils.checks.blank_results import example_sample

            sample = example_sample()
            file = sample.with_name("mine.csv")
            file.write_text("photo,dish\\nnew_1,soup\\nnew_2,Bread\\nnew_10,soup\\n")
            own_submission = {"file": file, "sample": sample, "class_names": ["bread", "soup"]}
        """,
        "there is no file": """
            from course_utils.checks.blank_results import example_sample

            own_submission = {"file": "nowhere.csv", "sample": example_sample(), "class_names": ["bread"]}
        """,
    },
    other_right_answers=[
        """
        from course_utils.checks.blank_results import example_sample

        sample = example_sample()
        file = sample.with_name("mine.csv")
        file.write_text("photo,dish\\nnew_10,soup\\nnew_2,bread\\nnew_1,soup\\n")
        own_submission = {"file": str(file), "sample": str(sample), "class_names": ["bread", "soup"]}
        """,
        """
        import pandas as pd
        from course_utils.checks.blank_results import example_sample

        sample = example_sample()
        table = pd.read_csv(sample, dtype=str)
        table["dish"] = ["bread", "soup", "bread"]
        table.to_csv(sample.with_name("mine.csv"), index=False)
        file = sample.with_name("mine.csv")
        own_submission = {"file": file, "sample": sample, "class_names": ("bread", "soup")}
        """,
    ],
)
