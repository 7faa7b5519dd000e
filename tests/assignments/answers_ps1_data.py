"""Three other right answers for each coding question of ps1_data, as students might write them."""

ANSWERS = {
    "plant_statistics": [
        """
def plant_statistics(pictures, masks):
    pixels = np.concatenate([p[m] for p, m in zip(pictures, masks)]) / 255
    return pixels.mean(axis=0), pixels.std(axis=0)
""",
        """
def plant_statistics(pictures, masks):
    histogram = np.zeros((3, 256))
    for picture, mask in zip(pictures, masks):
        for channel in range(3):
            histogram[channel] += np.bincount(picture[:, :, channel][mask], minlength=256)
    values = np.arange(256) / 255
    count = histogram.sum(axis=1)
    mean = histogram @ values / count
    return list(mean), list(np.sqrt(histogram @ values**2 / count - mean**2))
""",
        """
import torch

def plant_statistics(pictures, masks):
    count, mean, m2 = 0, torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for picture, mask in zip(pictures, masks):
        pixels = torch.from_numpy(picture)[torch.from_numpy(mask)].double() / 255
        if len(pixels) == 0:
            continue
        total = count + len(pixels)
        delta = pixels.mean(dim=0) - mean
        m2 = m2 + ((pixels - pixels.mean(dim=0)) ** 2).sum(dim=0) + delta**2 * count * len(pixels) / total
        mean, count = mean + delta * len(pixels) / total, total
    return mean, (m2 / count).sqrt()
""",
    ],
    "between_share": [
        """
def between_share(pictures):
    sizes = np.array([p.shape[0] * p.shape[1] for p in pictures])
    means = np.array([p.mean(axis=(0, 1)) for p in pictures])
    variances = np.array([p.var(axis=(0, 1)) for p in pictures])
    middle = np.average(means, axis=0, weights=sizes)
    between = np.average((means - middle) ** 2, axis=0, weights=sizes)
    within = np.average(variances, axis=0, weights=sizes)
    return between / (between + within)
""",
        """
def between_share(pictures):
    everything = np.concatenate([p.reshape(-1, 3) for p in pictures]).astype(float)
    replaced = np.concatenate([np.tile(p.reshape(-1, 3).mean(axis=0), (p.shape[0] * p.shape[1], 1)) for p in pictures])
    return replaced.var(axis=0) / everything.var(axis=0)
""",
        """
def between_share(pictures):
    shares = []
    for channel in range(3):
        everything = np.concatenate([p[..., channel].ravel() for p in pictures]) / 255
        within = sum(((p[..., channel] / 255 - (p[..., channel] / 255).mean()) ** 2).sum() for p in pictures)
        shares.append(1 - within / ((everything - everything.mean()) ** 2).sum())
    return tuple(shares)
""",
    ],
    "validation_indices": [
        """
def validation_indices(labels, fraction, seed):
    rng = np.random.default_rng(seed)
    by_class = {}
    for index, label in enumerate(labels):
        by_class.setdefault(label, []).append(index)
    chosen = []
    for places in by_class.values():
        n = len(places)
        if n >= 2:
            chosen += list(rng.choice(places, size=max(1, min(n - 1, round(fraction * n))), replace=False))
    return np.sort(chosen)
""",
        """
def validation_indices(labels, fraction, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    wanted = {}
    for label in set(labels):
        n = list(labels).count(label)
        wanted[label] = 0 if n < 2 else min(max(int(round(fraction * n)), 1), n - 1)
    chosen = []
    for index in order:
        if wanted[labels[index]] > 0:
            wanted[labels[index]] -= 1
            chosen.append(int(index))
    return sorted(chosen)
""",
        """
from collections import Counter

def validation_indices(labels, fraction, seed):
    keys = np.random.default_rng(seed).random(len(labels))
    number = Counter(labels)
    picked = []
    for label, n in number.items():
        mine = sorted((i for i in range(len(labels)) if labels[i] == label), key=lambda i: keys[i])
        picked.extend(mine[: 0 if n == 1 else min(n - 1, max(1, round(fraction * n)))])
    return sorted(picked)
""",
    ],
    "split_trays": [
        """
def split_trays(trays, fraction, seed):
    rng = np.random.default_rng(seed)
    left = sorted(set(np.asarray(trays).tolist()))
    chosen = set()
    while sum(tray in chosen for tray in trays) < fraction * len(trays):
        chosen.add(left.pop(int(rng.integers(len(left)))))
    return np.array([tray in chosen for tray in trays])
""",
        """
def split_trays(trays, fraction, seed):
    names, counts = np.unique(trays, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    return np.isin(trays, names[order[before < fraction * len(trays)]])
""",
        """
import random

def split_trays(trays, fraction, seed):
    names = sorted(set(map(str, trays)))
    random.Random(seed).shuffle(names)
    chosen, number = [], 0
    for name in names:
        if number >= fraction * len(trays):
            break
        chosen.append(name)
        number += sum(str(tray) == name for tray in trays)
    return np.asarray([str(tray) in chosen for tray in trays], dtype=bool)
""",
    ],
    "copies": [
        """
import hashlib

def copies(files):
    groups = {}
    for name in sorted(files):
        groups.setdefault(hashlib.sha256(files[name]).hexdigest(), []).append(name)
    return sorted([group for group in groups.values() if len(group) > 1])
""",
        """
def copies(files):
    found = []
    for name in sorted(files):
        group = [other for other in sorted(files) if files[other] == files[name]]
        if len(group) > 1 and group not in found:
            found.append(group)
    return found
""",
        """
from itertools import groupby

def copies(files):
    ordered = sorted(files, key=lambda name: (files[name], name))
    groups = [list(names) for _, names in groupby(ordered, key=lambda name: files[name])]
    return sorted(group for group in groups if len(group) >= 2)
""",
    ],
    "near_copies": [
        """
def difference_hash(grey):
    bands = np.split(np.asarray(grey, dtype=float), 8, axis=0)
    small = np.array([[block.mean() for block in np.split(band, 9, axis=1)] for band in bands])
    return np.diff(small, axis=1) > 0

def near_copies(greys, most):
    bits = np.array([difference_hash(g).ravel() for g in greys])
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    return [(a, b) for a, b in zip(*np.nonzero(distance <= most)) if a < b]
""",
        """
import itertools
from PIL import Image

def difference_hash(grey):
    small = Image.fromarray(np.asarray(grey, dtype=np.float32)).resize((9, 8), Image.Resampling.BOX)
    small = np.asarray(small, dtype=float)
    return small[:, :-1] < small[:, 1:]

def near_copies(greys, most):
    hashes = [int("".join("01"[int(bit)] for bit in difference_hash(g).ravel()), 2) for g in greys]
    return [(a, b) for a, b in itertools.combinations(range(len(greys)), 2) if bin(hashes[a] ^ hashes[b]).count("1") <= most]
""",
        """
def difference_hash(grey):
    h, w = len(grey) // 8, len(grey[0]) // 9
    small = [[sum(float(v) for line in grey[r * h : r * h + h] for v in line[c * w : c * w + w]) for c in range(9)] for r in range(8)]
    return [[bool(row[c + 1] > row[c]) for c in range(8)] for row in small]

def near_copies(greys, most):
    hashes = [sum(difference_hash(grey), []) for grey in greys]
    pairs = []
    for b in range(len(hashes)):
        for a in range(b):
            if sum(x != y for x, y in zip(hashes[a], hashes[b])) <= most:
                pairs.append([a, b])
    return sorted(pairs)
""",
    ],
    "accuracy_by_size": [
        """
from collections import Counter

def accuracy_by_size(train_sizes, train_labels, test_sizes, test_labels):
    def best(counter):
        return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))[0][0]
    tables = {}
    for size, label in zip(train_sizes, train_labels):
        tables.setdefault(size, Counter())[label] += 1
    default = best(Counter(train_labels))
    predicted = [best(tables[size]) if size in tables else default for size in test_sizes]
    return float(np.mean([p == t for p, t in zip(predicted, test_labels)]))
""",
        """
import pandas as pd

def accuracy_by_size(train_sizes, train_labels, test_sizes, test_labels):
    table = pd.DataFrame({"size": [str(tuple(s)) for s in train_sizes], "label": train_labels})
    guess = table.groupby("size")["label"].agg(lambda column: column.mode().iloc[0])
    otherwise = table["label"].mode().iloc[0]
    predicted = pd.Series([str(tuple(s)) for s in test_sizes]).map(guess).fillna(otherwise)
    return float((predicted.to_numpy() == np.array(test_labels)).mean())
""",
        """
def accuracy_by_size(train_sizes, train_labels, test_sizes, test_labels):
    classes = sorted(set(train_labels))
    right = 0
    for size, label in zip(test_sizes, test_labels):
        votes = [t for s, t in zip(train_sizes, train_labels) if s == size] or list(train_labels)
        numbers = [votes.count(name) for name in classes]
        right += classes[int(np.argmax(numbers))] == label
    return right / len(test_labels)
""",
    ],
}
