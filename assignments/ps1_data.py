# ---
# jupyter:
#   length: on purpose; a problem set has one source, so that text, solutions and tests cannot drift apart
# ---

# %% [markdown]
# # Problem set 1: what goes in
#
# A greenhouse has put a camera over its seed trays. Every morning it takes pictures, somebody sorts them into folders
# by species, and in spring a network is to learn from them. You are given the folders. Before anything is trained,
# somebody has to look at the data, and that is you.
#
# You will compute statistics that are right, split so that the test means something, find copies, and find out
# whether a picture's *size* gives its class away. You need notebooks 01 and 02, NumPy, and about 90 minutes.
#
# **How to work.** Write your code where it says `YOUR CODE HERE`, and your texts where it says `YOUR ANSWER HERE`.
# Below each question are tests that you can run. When your work is graded, they ask the same questions of other
# numbers. Any correct way passes; speed does not count, as long as nothing takes minutes. Cells of your own are
# welcome anywhere. Do not delete, copy, split or rename the cells that are here.

# %%
import numpy as np


def tray_pictures(number, *, seed):
    """Draw pictures of a seed tray: uint8 (H, W, 3) of different sizes, and where the plant is: bool (H, W)."""
    random = np.random.default_rng(seed)
    pictures, masks = [], []
    for _ in range(number):
        height, width = random.integers(12, 40, 2)
        rows, columns = np.mgrid[:height, :width]
        row, column, radius = random.uniform(0.3, 0.7) * height, random.uniform(0.3, 0.7) * width, random.uniform(3, 6)
        mask = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        light = random.uniform(0.6, 1.3)  # some mornings are dark
        soil, plant = np.array([96, 72, 50]) * light, np.array([60, 130, 45]) * light
        picture = np.where(mask[:, :, None], plant, soil) + random.normal(0, 12, (height, width, 3))
        pictures.append(picture.clip(0, 255).astype(np.uint8))
        masks.append(mask)
    return pictures, masks


pictures, masks = tray_pictures(12, seed=1)
print(len(pictures), "pictures; the first:", pictures[0].shape, pictures[0].dtype, "of it plant:", masks[0].sum(), "pixels")

# %% [markdown]
# ## 1. Statistics of the plants alone
#
# Most of each picture is soil. If the network shall look at the plants, it is their colour that matters.
#
# **Question 1.** Write `plant_statistics(pictures, masks)`. It returns two arrays of three numbers (red, green, blue):
# the mean and the standard deviation over *all plant pixels of all pictures together*, in units where 255 is 1. The
# standard deviation is the usual one of a population (divide by the number of pixels). A picture may hold no plant at
# all; it then counts for nothing. Work through the pictures one after the other: imagine that there are a million.

# %% tags=["answer", "name:plant_statistics"]
def plant_statistics(pictures, masks):
    """Give mean (3,) and standard deviation (3,) over all pixels where the mask is true, in [0, 1]."""
    ### BEGIN SOLUTION
    count, total, squares = 0, np.zeros(3), np.zeros(3)
    for picture, mask in zip(pictures, masks, strict=True):
        pixels = np.asarray(picture)[np.asarray(mask)].astype(np.float64) / 255  # (number of plant pixels, 3)
        count += len(pixels)
        total += pixels.sum(axis=0)
        squares += (pixels**2).sum(axis=0)
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - mean**2, 0))
    ### END SOLUTION

# %% tags=["test", "name:plant_statistics-mean", "points:3"]
two = [np.full((2, 2, 3), 100, np.uint8), np.full((4, 1, 3), 200, np.uint8)]
both = [np.array([[True, False], [False, False]]), np.array([[True], [True], [True], [False]])]
mean, std = plant_statistics(two, both)
np.testing.assert_allclose(mean, [175 / 255] * 3, err_msg="one pixel of 100 and three of 200 have the mean 175")
### BEGIN HIDDEN TESTS
for seed in (5, 6):
    drawn, where = tray_pictures(9, seed=seed)
    flat = np.concatenate([picture[mask] for picture, mask in zip(drawn, where, strict=True)]) / 255
    np.testing.assert_allclose(
        plant_statistics(drawn, where)[0], flat.mean(axis=0), rtol=1e-9, err_msg="the mean over all plant pixels"
    )
### END HIDDEN TESTS

# %% tags=["test", "name:plant_statistics-std", "points:3"]
mean, std = plant_statistics(two, both)
np.testing.assert_allclose(std, [np.std([100, 200, 200, 200]) / 255] * 3, err_msg="over the four plant pixels together")
### BEGIN HIDDEN TESTS
for seed in (7, 8):
    drawn, where = tray_pictures(9, seed=seed)
    flat = np.concatenate([picture[mask] for picture, mask in zip(drawn, where, strict=True)]) / 255
    np.testing.assert_allclose(
        plant_statistics(drawn, where)[1], flat.std(axis=0), rtol=1e-7, err_msg="the deviation over all plant pixels"
    )
### END HIDDEN TESTS

# %% tags=["test", "name:plant_statistics-bare", "points:2"]
bare = [np.zeros((3, 3), bool), np.ones((4, 1), bool)]
mean, std = plant_statistics([np.full((3, 3, 3), 9, np.uint8), two[1]], bare)
np.testing.assert_allclose(mean, [200 / 255] * 3, err_msg="a picture without a plant counts for nothing")
### BEGIN HIDDEN TESTS
np.testing.assert_allclose(std, [0, 0, 0], atol=1e-7, err_msg="a picture without a plant counts for nothing")
### END HIDDEN TESTS

# %% [markdown]
# **Question 2.** On dark mornings all pixels of a picture are darker. How much of the variance is that? The law of
# total variance splits it in two: the variance *within* the pictures and the variance *between* their means, each
# picture weighted by its number of pixels. Write `between_share(pictures)`: for each channel the share, from 0 to 1, of
# the total variance (over all pixels of all pictures) that lies between the pictures.

# %% tags=["answer", "name:between_share"]
def between_share(pictures):
    """Give for each channel (3,) the variance between the pictures' means over the variance of all pixels."""
    ### BEGIN SOLUTION
    flat = [np.asarray(picture).reshape(-1, 3) / 255 for picture in pictures]
    sizes = np.array([len(pixels) for pixels in flat])
    means = np.array([pixels.mean(axis=0) for pixels in flat])  # (N, 3)
    everything = np.concatenate(flat)
    weights = sizes[:, None] / sizes.sum()
    between = (weights * (means - everything.mean(axis=0)) ** 2).sum(axis=0)
    return between / everything.var(axis=0)
    ### END SOLUTION

# %% tags=["test", "name:between_share-extremes", "points:2"]
flat_pictures = [np.full((2, 3, 3), value, np.uint8) for value in (10, 90, 200)]
np.testing.assert_allclose(between_share(flat_pictures), [1, 1, 1], err_msg="each picture is of one colour: all between")
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)
np.testing.assert_allclose(between_share([noise, noise.copy()]), [0, 0, 0], atol=1e-12, err_msg="equal pictures: none")
### END HIDDEN TESTS

# %% tags=["test", "name:between_share-weights", "points:3"]
uneven = [np.full((1, 1, 3), 255, np.uint8), np.zeros((3, 1, 3), np.uint8), np.full((2, 2, 3), 51, np.uint8)]
uneven[2][0] = 102
assert np.shape(between_share(uneven)) == (3,)
### BEGIN HIDDEN TESTS
for seed in (11, 12):
    drawn, _ = tray_pictures(7, seed=seed)
    flat = np.concatenate([picture.reshape(-1, 3) for picture in drawn]) / 255
    within = sum(picture.reshape(-1, 3).var(axis=0) / 255**2 * picture[:, :, 0].size for picture in drawn) / len(flat)
    np.testing.assert_allclose(
        between_share(drawn), 1 - within / flat.var(axis=0), rtol=1e-7, err_msg="larger pictures weigh more"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Splits that mean something
#
# **Question 3.** Some species are rare. Write `validation_indices(labels, fraction, seed)`. It chooses the pictures for
# validation and returns their indices, sorted, by these rules:
#
# - of each class of $n \ge 2$ pictures, `round(fraction * n)` are chosen, but at least 1 and at most $n - 1$;
# - a class with one picture stays in training;
# - which pictures are chosen is drawn with `numpy.random.default_rng(seed)`: the same seed gives the same ones, and
#   another seed others.

# %% tags=["answer", "name:validation_indices"]
def validation_indices(labels, fraction, seed):
    """Give the sorted indices of the pictures chosen for validation, class by class."""
    ### BEGIN SOLUTION
    random = np.random.default_rng(seed)
    labels = np.asarray(labels)
    chosen = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        if len(places) < 2:
            continue
        number = min(max(round(fraction * len(places)), 1), len(places) - 1)
        chosen.extend(random.permutation(places)[:number].tolist())
    return sorted(chosen)
    ### END SOLUTION

# %% tags=["test", "name:validation_indices-counts", "points:4"]
species = ["beet"] * 10 + ["maize"] * 20 + ["wheat"] * 3 + ["cress"]
chosen = list(validation_indices(species, 0.3, 0))
counts = {name: sum(species[index] == name for index in chosen) for name in ("beet", "maize", "wheat", "cress")}
assert counts == {"beet": 3, "maize": 6, "wheat": 1, "cress": 0}, f"chosen of each class: {counts}"
### BEGIN HIDDEN TESTS
for fraction, want in ((0.9, [2, 9]), (0.01, [1, 1]), (0.5, [2, 5])):
    labels = [7] * 3 + [5] * 10
    found = list(validation_indices(labels, fraction, 4))
    number = [sum(labels[index] == label for index in found) for label in (7, 5)]
    want[0] = min(max(round(fraction * 3), 1), 2)
    assert number == want, f"fraction {fraction} of 3 and 10 pictures: {number} chosen, expected {want}"
### END HIDDEN TESTS

# %% tags=["test", "name:validation_indices-seed", "points:2"]
again = list(validation_indices(species, 0.3, 0))
assert chosen == again and chosen == sorted(set(chosen)), "the same seed gives the same indices, sorted, each once"
### BEGIN HIDDEN TESTS
several = {tuple(validation_indices([0] * 30 + [1] * 30, 0.5, seed)) for seed in range(5)}
assert len(several) == 5, "another seed gives others"
assert list(validation_indices([0, 1, 0, 1] * 5, 0.4, 2)) == list(validation_indices([0, 1, 0, 1] * 5, 0.4, 2))
### END HIDDEN TESTS

# %% [markdown]
# **Question 4.** The camera takes each tray five times. Five pictures of one tray are nearly the same, so they belong on
# one side. Write `split_trays(trays, fraction, seed)`: `trays` holds the tray of each picture. Return a boolean array,
# true for the pictures in validation. Whole trays are drawn at random (by the seed), one after the other, until
# validation holds *at least* `fraction` of all pictures; then you stop.

# %% tags=["answer", "name:split_trays"]
def split_trays(trays, fraction, seed):
    """Give a bool for each picture: whether its tray is in validation."""
    ### BEGIN SOLUTION
    trays = np.asarray(trays)
    in_validation = np.zeros(len(trays), bool)
    for tray in np.random.default_rng(seed).permutation(np.unique(trays)):
        if in_validation.mean() >= fraction:
            break
        in_validation |= trays == tray
    return in_validation
    ### END SOLUTION

# %% tags=["test", "name:split_trays-whole", "points:3"]
trays = np.repeat(np.arange(12), 5)
side = np.asarray(split_trays(trays, 0.25, 0))
assert side.shape == (60,) and side.dtype == bool, "a boolean for each picture"
assert all(len(set(side[trays == tray])) == 1 for tray in range(12)), "no tray is on both sides"
### BEGIN HIDDEN TESTS
names = np.random.default_rng(1).choice(["a", "b", "c", "d", "e", "f", "g"], 200)
for seed in range(4):
    side = np.asarray(split_trays(names, 0.4, seed))
    assert all(len(set(side[names == name])) == 1 for name in set(names)), "no tray is on both sides"
### END HIDDEN TESTS

# %% tags=["test", "name:split_trays-share", "points:2"]
side = np.asarray(split_trays(trays, 0.25, 0))
assert side.sum() == 15, "a quarter of 60 pictures are three trays of five"
### BEGIN HIDDEN TESTS
sizes = np.random.default_rng(2).integers(1, 9, 20)
uneven_trays = np.repeat(np.arange(20), sizes)
seen = set()
for seed in range(6):
    side = np.asarray(split_trays(uneven_trays, 0.3, seed))
    assert side.mean() >= 0.3, "at least the fraction"
    last = [side.sum() - sizes[tray] for tray in np.unique(uneven_trays[side])]
    assert min(last) < 0.3 * len(uneven_trays), "you went on after there were enough"
    seen.add(side.tobytes())
assert len(seen) > 1, "another seed draws others"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The same picture twice
#
# **Question 5.** Somebody copied files between folders. Write `copies(files)`: `files` is a dictionary from names to the
# bytes in the files. Return a list with one list of names for each content that is there more than once; the names
# sorted, and the lists sorted by their first name.

# %% tags=["answer", "name:copies"]
def copies(files):
    """Give the groups of names whose bytes are equal: sorted lists, in a sorted list."""
    ### BEGIN SOLUTION
    by_content = {}
    for name, content in files.items():
        by_content.setdefault(content, []).append(name)
    return sorted(sorted(names) for names in by_content.values() if len(names) > 1)
    ### END SOLUTION

# %% tags=["test", "name:copies-1", "points:3"]
shelf = {"b.png": b"\x01\x02", "a.png": b"\x01\x02", "c.png": b"\x03", "z.png": b"", "y.png": b"", "x.png": b""}
assert copies(shelf) == [["a.png", "b.png"], ["x.png", "y.png", "z.png"]]
### BEGIN HIDDEN TESTS
assert copies({}) == [] and copies({"one": b"1"}) == []
many = {f"{number:03d}": bytes([number % 40]) for number in range(100)}
assert copies(many) == [[f"{n:03d}" for n in range(start, 100, 40)] for start in range(40)]
### END HIDDEN TESTS

# %% [markdown]
# **Question 6.** A picture that was saved anew, a little darker, has other bytes. A *difference hash* sees through that:
# shrink the grey picture to 8 rows and 9 columns, and note for each of the 8 x 8 pairs of neighbours in a row whether
# the right one is brighter. Two pictures are near copies if their hashes differ in few of the 64 places.
#
# Write `difference_hash(grey)` for an array (H, W) whose height is a multiple of 8 and whose width is a multiple of 9:
# average each block, compare, and return a boolean array (8, 8). Then `near_copies(greys, most)` for a list of such
# arrays: all pairs `(first, second)` of indices, first < second, whose hashes differ in at most `most` places, sorted.

# %% tags=["answer", "name:near_copies"]
def difference_hash(grey):
    """Give whether each block is darker than its right neighbour: bool (8, 8)."""
    ### BEGIN SOLUTION
    height, width = np.shape(grey)
    blocks = np.asarray(grey, float).reshape(8, height // 8, 9, width // 9).mean(axis=(1, 3))  # (8, 9)
    return blocks[:, 1:] > blocks[:, :-1]
    ### END SOLUTION


def near_copies(greys, most):
    """Give the sorted pairs of indices whose hashes differ in at most `most` of 64 places."""
    ### BEGIN SOLUTION
    hashes = [difference_hash(grey) for grey in greys]
    return [
        (first, second)
        for first in range(len(hashes))
        for second in range(first + 1, len(hashes))
        if (hashes[first] != hashes[second]).sum() <= most
    ]
    ### END SOLUTION

# %% tags=["test", "name:difference_hash-1", "points:3"]
ramp = np.tile(np.arange(18.0), (16, 1))
assert np.shape(difference_hash(ramp)) == (8, 8) and np.all(difference_hash(ramp)), "brighter to the right everywhere"
assert not np.any(difference_hash(ramp[:, ::-1])), "and nowhere in the mirrored one"
### BEGIN HIDDEN TESTS
random = np.random.default_rng(9)
for height, width in ((8, 9), (24, 36), (16, 90)):
    grey = random.integers(0, 256, (height, width)).astype(np.uint8)
    blocks = np.array([[np.mean(block) for block in np.split(band, 9, axis=1)] for band in np.split(grey * 1.0, 8)])
    assert np.array_equal(difference_hash(grey), np.diff(blocks, axis=1) > 0), "means of blocks, compared in each row"
### END HIDDEN TESTS

# %% tags=["test", "name:near_copies-1", "points:3"]
random = np.random.default_rng(0)
first, other = random.uniform(0, 255, (2, 32, 36))
found = near_copies([first, other, first * 0.7 + 9, other], 3)
assert [tuple(pair) for pair in found] == [(0, 2), (1, 3)], "darker is a copy, another picture is not"
### BEGIN HIDDEN TESTS
base = np.random.default_rng(4).uniform(0, 255, (16, 18))
touched = base.copy()
touched[:2, :2] = 255 - touched[:2, :2]
greys = [base, touched, base.T[:16, :16].repeat(2, axis=1)[:, :18]]
bits = [np.diff(grey.reshape(8, 2, 9, 2).mean(axis=(1, 3)), axis=1) > 0 for grey in greys]
distance = {(a, b): int((bits[a] != bits[b]).sum()) for a in range(3) for b in range(a + 1, 3)}
for most in (0, 1, 2, 20, 64):
    want = sorted(pair for pair, number in distance.items() if number <= most)
    assert [tuple(pair) for pair in near_copies(greys, most)] == want, f"at most {most} places"
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Does the size give it away?
#
# **Question 7.** Two species were photographed with another camera, whose pictures are smaller. A network that only looks
# at the size would know them. Write `accuracy_by_size(train_sizes, train_labels, test_sizes, test_labels)`. It builds
# the simplest classifier that sees nothing but the size: for each size the class that is most frequent among the
# training pictures of that size (of equally frequent ones the first in the alphabet); for a size that training does not
# have, the class that is most frequent in training altogether. Return its accuracy on the test pictures.

# %% tags=["answer", "name:accuracy_by_size"]
def accuracy_by_size(train_sizes, train_labels, test_sizes, test_labels):
    """Give the share of test pictures whose class the size alone tells; sizes are tuples (height, width)."""
    ### BEGIN SOLUTION
    def most_frequent(labels):
        return min(set(labels), key=lambda label: (-labels.count(label), label))

    by_size = {}
    for size, label in zip(train_sizes, train_labels, strict=True):
        by_size.setdefault(tuple(size), []).append(label)
    guess = {size: most_frequent(labels) for size, labels in by_size.items()}
    otherwise = most_frequent(list(train_labels))
    right = [guess.get(tuple(size), otherwise) == label for size, label in zip(test_sizes, test_labels, strict=True)]
    return sum(right) / len(right)
    ### END SOLUTION

# %% tags=["test", "name:accuracy_by_size-leak", "points:3"]
small, large = (64, 64), (256, 256)
sizes = [small] * 6 + [large] * 6
labels = ["cress"] * 6 + ["maize"] * 4 + ["beet"] * 2
assert accuracy_by_size(sizes, labels, [small, large, large, small], ["cress", "maize", "beet", "cress"]) == 0.75
### BEGIN HIDDEN TESTS
assert accuracy_by_size(sizes, labels, [large] * 4, ["beet", "beet", "maize", "cress"]) == 0.25
assert accuracy_by_size([small] * 3, ["b", "a", "c"], [small] * 2, ["a", "b"]) == 0.5
### END HIDDEN TESTS

# %% tags=["test", "name:accuracy_by_size-unseen", "points:2"]
assert accuracy_by_size(sizes, labels, [(9, 9)], ["cress"]) == 1.0, "an unseen size: the most frequent class of all"
### BEGIN HIDDEN TESTS
assert accuracy_by_size([small, large], ["z", "b"], [(1, 2)] * 2, ["b", "z"]) == 0.5, "a tie: the first in the alphabet"
### END HIDDEN TESTS

# %% [markdown]
# ## 5. In your own words

# %% [markdown] tags=["written", "name:too_small", "points:5"]
# **Question 8.** A colleague averages the pictures' own standard deviations and calls the result the standard deviation
# of the folder. Is it too small, too large, or does it depend? Give the reason, and say for which kind of folder the
# difference is largest. Would a network trained with the wrong number be worse?
#
# ### BEGIN SOLUTION
# Never larger: the variance of all pixels is the variance within the pictures plus the variance between their means
# (question 2), and averaging the pictures' deviations loses the second part (and a little more, since the root is
# concave). The difference is largest where the pictures differ in brightness or colour as wholes. Used in training and
# testing alike, the wrong number acts like a slightly different scale and does little harm; it is wrong all the same
# wherever it is compared, or used to undo the normalisation.
# ### END SOLUTION

# %% [markdown] tags=["written", "name:too_good", "points:5"]
# **Question 9.** The network is trained, and reaches 99 % on the validation pictures. In the greenhouse it is right three
# times in five. Name three different ways in which the *data* could have caused that, and for each the test (from
# this problem set, or your own) that would have shown it beforehand.
#
# ### BEGIN SOLUTION
# For example: copies or five pictures of one tray on both sides (questions 4 to 6: split by tray, count near copies
# across); the size or the camera gives the class away (question 7: a classifier that sees only the size); statistics or
# choices made with the validation pictures; validation pictures from the same mornings as training (split by day); the
# classes in other shares than in the greenhouse (compare the counts).
# ### END SOLUTION
