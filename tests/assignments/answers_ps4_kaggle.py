"""Three other right answers for each coding question of ps4_kaggle, as students might write them."""

ANSWERS = {
    "read_sample": [
        """
import csv, io

def read_sample(text):
    header, *rows = list(csv.reader(io.StringIO(text)))
    return header[0], header[1], [row[0] for row in rows]
""",
        """
import io
import pandas as pd

def read_sample(text):
    table = pd.read_csv(io.StringIO(text), dtype=str)
    return table.columns[0], table.columns[1], table.iloc[:, 0].tolist()
""",
        """
def read_sample(text):
    lines = text.replace("\\r", "").strip("\\n").split("\\n")
    first, second = lines.pop(0).split(",")
    return [first, second, [line[: line.index(",")] for line in lines]]
""",
    ],
    "problems_of": [
        """
from collections import Counter

def problems_of(text, sample, classes):
    rows = [line.split(",") for line in text.strip().split("\\n")]
    want = [line.split(",") for line in sample.strip().split("\\n")]
    if rows[0] != want[0]:
        return [[0, "header"]]
    allowed, count, out = {row[0] for row in want[1:]}, Counter(), []
    for k, (name, label) in enumerate(rows[1:], 1):
        count[name] += 1
        if name not in allowed:
            out.append([k, "unknown id"])
        elif count[name] > 1:
            out.append([k, "repeated id"])
        if label not in set(classes):
            out.append([k, "label"])
    out.extend([0, "missing id"] for name in allowed if not count[name])
    return sorted(out)
""",
        """
def problems_of(text, sample, classes):
    header, *wanted = sample.splitlines()
    got = text.splitlines()
    if got[:1] != [header]:
        return [(0, "header")]
    left = {line.split(",")[0] for line in wanted}
    known, result = set(left), []
    for index in range(1, len(got)):
        name, label = got[index].split(",")
        if name in left:
            left.remove(name)
        else:
            result.append((index, "repeated id" if name in known else "unknown id"))
        if label not in classes:
            result.append((index, "label"))
    return sorted(result + [(0, "missing id") for _ in left])
""",
        """
import io
import pandas as pd

def problems_of(text, sample, classes):
    if text.split("\\n")[0] != sample.split("\\n")[0]:
        return [(0, "header")]
    t, s = (pd.read_csv(io.StringIO(x), dtype=str, keep_default_na=False) for x in (text, sample))
    ids, labels = t.iloc[:, 0], t.iloc[:, 1]
    known = ids.isin(s.iloc[:, 0])
    masks = {"unknown id": ~known, "repeated id": known & ids.duplicated(), "label": ~labels.isin(list(classes))}
    found = [(int(i) + 1, word) for word, mask in masks.items() for i in np.flatnonzero(mask)]
    found += [(0, "missing id")] * int((~s.iloc[:, 0].isin(ids)).sum())
    return sorted(found)
""",
    ],
    "vote": [
        """
def vote(probabilities, weights):
    mean = np.average(probabilities, axis=0, weights=weights)
    classes = np.argmax(mean, axis=1)
    return classes, mean[np.arange(len(mean)), classes]
""",
        """
def vote(probabilities, weights):
    total = sum(w * np.array(p) for w, p in zip(weights, probabilities)) / sum(weights)
    return [int(row.argmax()) for row in total], [float(max(row)) for row in total]
""",
        """
import torch

def vote(probabilities, weights):
    w = torch.tensor(weights, dtype=torch.float64)
    mean = torch.einsum("m,mnk->nk", w / w.sum(), torch.as_tensor(probabilities, dtype=torch.float64))
    best = mean.max(dim=1)
    return best.indices, best.values
""",
    ],
    "chance": [
        """
from scipy.stats import binomtest

def chance(first, second):
    return 1.0 if first + second == 0 else binomtest(first, first + second, 0.5).pvalue
""",
        """
from scipy.stats import binom

def chance(first, second):
    return min(1.0, 2 * binom.cdf(min(first, second), first + second, 0.5))
""",
        """
from fractions import Fraction

def chance(first, second):
    n, total, ways = first + second, 0, 1
    for heads in range(min(first, second) + 1):
        total += ways
        ways = ways * (n - heads) // (heads + 1)
    return float(min(Fraction(1), Fraction(2 * total, 2**n)))
""",
    ],
    "out_of_fold": [
        """
def out_of_fold(folds, predictions):
    return np.array([predictions[fold][i] for i, fold in enumerate(folds)])
""",
        """
def out_of_fold(folds, predictions):
    result = np.zeros_like(predictions[0])
    for fold in set(np.asarray(folds).tolist()):
        mask = np.asarray(folds) == fold
        result[mask] = predictions[fold][mask]
    return result
""",
        """
def out_of_fold(folds, predictions):
    return np.take_along_axis(np.asarray(predictions), np.asarray(folds)[None, :], axis=0)[0].tolist()
""",
    ],
}
