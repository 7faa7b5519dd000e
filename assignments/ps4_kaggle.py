# ---
# jupyter:
#   length: on purpose; a problem set has one source, so that text, solutions and tests cannot drift apart
# ---

# %% [markdown]
# # Problem set 4: a contest
#
# In the folder `contest/` beside this notebook lie pictures of seedlings: `train/`, one folder for each of twelve
# species, and `test/`, whose species nobody tells you. They are drawings that were made for your class alone, so there
# is nothing to look up. You hand in this notebook together with a file `submission.csv`, and the class gets a
# leaderboard.
#
# The first half of the problem set is what saves contests: a file that is accepted, and numbers that can be believed.
# The second half is the contest. You need notebooks 08, 11 and 16, and about 120 minutes, most of which your computer
# works alone.
#
# **How to work.** Write your code where it says `YOUR CODE HERE`, and your texts where it says `YOUR ANSWER HERE`.
# Below each question are tests that you can run. When your work is graded, they ask the same questions of other
# numbers. Any correct way passes. Cells of your own are welcome anywhere. Do not delete, copy, split or rename the
# cells that are here.

# %%
import math

import numpy as np

# %% [markdown]
# ## 1. A file that is accepted
#
# **Question 1.** A contest says what it wants by a sample submission. Write `read_sample(text)` for the text of such a
# file: its first line holds the names of two columns, separated by a comma; each other line holds an id and a made-up
# label. Return three things: the name of the id column, the name of the label column, and the list of ids, in their order
# and *as texts* (`0007` stays `0007`). Lines may end in `\n` or `\r\n`, and the last one may lack its end.

# %% tags=["answer", "name:read_sample"]
def read_sample(text):
    """Give (name of the id column, name of the label column, list of ids)."""
    ### BEGIN SOLUTION
    rows = [line.split(",") for line in text.splitlines() if line]
    return rows[0][0], rows[0][1], [row[0] for row in rows[1:]]
    ### END SOLUTION

# %% tags=["test", "name:read_sample-1", "points:3"]
id_column, label_column, ids = read_sample("file,species\n0007.png,Maize\n0003.png,Maize\n")
assert (id_column, label_column) == ("file", "species")
assert list(ids) == ["0007.png", "0003.png"], "in the order of the file"
### BEGIN HIDDEN TESTS
assert [*read_sample("Id,Category\r\n0001,0\r\n0002,0")] == ["Id", "Category", ["0001", "0002"]], "0001 is a text"
### END HIDDEN TESTS

# %% [markdown]
# **Question 2.** Now the other way. Write `problems_of(text, sample, classes)`: what is wrong with a submission `text`,
# compared with the text of the `sample` and the list of `classes`? Return a list of pairs `(row, word)`, sorted; `row`
# counts the data rows from 1. The words are:
#
# - `"header"` (row 0): the first line differs from the sample's; you can then stop and return only this;
# - `"unknown id"`: an id that the sample does not have; `"repeated id"`: one that an earlier row had already;
# - `"label"`: a label that is not one of the classes;
# - `"missing id"` (row 0): once for each id of the sample that no row has.
#
# The order of the rows does not matter. A row may have two problems.

# %% tags=["answer", "name:problems_of"]
def problems_of(text, sample, classes):
    """Give the sorted list of (row, word) for everything that is wrong."""
    ### BEGIN SOLUTION
    lines, wanted = text.splitlines(), sample.splitlines()
    if not lines or lines[0] != wanted[0]:
        return [(0, "header")]
    ids = [line.split(",")[0] for line in wanted[1:]]
    found, seen = [], set()
    for number, line in enumerate(lines[1:], start=1):
        name, _, label = line.partition(",")
        if name not in ids:
            found.append((number, "unknown id"))
        elif name in seen:
            found.append((number, "repeated id"))
        seen.add(name)
        if label not in classes:
            found.append((number, "label"))
    found += [(0, "missing id")] * sum(name not in seen for name in ids)
    return sorted(found)
    ### END SOLUTION

# %% tags=["test", "name:problems_of-right", "points:2"]
sample = "file,species\na.png,Maize\nb.png,Maize\nc.png,Maize\n"
kinds = ["Maize", "Cleavers"]
assert list(problems_of("file,species\nc.png,Maize\na.png,Cleavers\nb.png,Maize\n", sample, kinds)) == []
### BEGIN HIDDEN TESTS
assert list(problems_of(sample, sample, kinds)) == []
### END HIDDEN TESTS

# %% tags=["test", "name:problems_of-rows", "points:4"]
def pairs(found):
    return [tuple(pair) for pair in found]


wrong = "file,species\na.png,Maize\na.png,Maize\nx.png,Maize\nb.png,maize\nc.png,Maize\n"
assert pairs(problems_of(wrong, sample, kinds)) == [(2, "repeated id"), (3, "unknown id"), (4, "label")]
### BEGIN HIDDEN TESTS
both = "file,species\nb.png,Maize\nb.png,wheat\na.png,Maize\nc.png,Cleavers\n"
assert pairs(problems_of(both, sample, kinds)) == [(2, "label"), (2, "repeated id")], "a row may have two problems"
### END HIDDEN TESTS

# %% tags=["test", "name:problems_of-missing", "points:3"]
assert pairs(problems_of("species,file\nMaize,a.png\n", sample, kinds)) == [(0, "header")]
assert pairs(problems_of("file,species\nb.png,Maize\n", sample, kinds)) == [(0, "missing id"), (0, "missing id")]
### BEGIN HIDDEN TESTS
assert pairs(problems_of("", sample, kinds)) == [(0, "header")]
mixed = "file,species\nb.png,Maize\nz.png,Rye\n"
assert pairs(problems_of(mixed, sample, kinds)) == [(0, "missing id")] * 2 + [(2, "label"), (2, "unknown id")]
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Numbers that can be believed
#
# **Question 3.** Several networks, or several views of each picture, vote. Write `vote(probabilities, weights)`:
# `probabilities` has the shape (M, N, K), for M networks, N pictures, K classes; `weights` has M numbers that need not
# add up to 1. Average the *probabilities* with these weights. Return the predicted classes (N,) and their averaged
# probabilities (N,), which lie between 0 and 1.

# %% tags=["answer", "name:vote"]
def vote(probabilities, weights):
    """Give (predicted classes (N,), their probabilities (N,))."""
    ### BEGIN SOLUTION
    weights = np.asarray(weights, float) / np.sum(weights)
    mean = np.tensordot(weights, np.asarray(probabilities), axes=1)  # (N, K)
    return mean.argmax(axis=1), mean.max(axis=1)
    ### END SOLUTION

# %% tags=["test", "name:vote-equal", "points:2"]
two = np.array([[[0.6, 0.4], [0.1, 0.9]], [[0.2, 0.8], [0.3, 0.7]]])
chosen, sure = vote(two, [1, 1])
np.testing.assert_array_equal(chosen, [1, 1], err_msg="0.6 and 0.2 for class 0 make 0.4")
np.testing.assert_allclose(sure, [0.6, 0.8])
### BEGIN HIDDEN TESTS
drawn = np.random.default_rng(0).dirichlet(np.ones(4), size=(3, 50))
chosen, sure = vote(drawn, [1, 1, 1])
np.testing.assert_array_equal(chosen, drawn.mean(axis=0).argmax(axis=1))
np.testing.assert_allclose(sure, drawn.mean(axis=0).max(axis=1))
### END HIDDEN TESTS

# %% tags=["test", "name:vote-weights", "points:2"]
chosen, sure = vote(two, [4, 1])
np.testing.assert_array_equal(chosen, [0, 1])
np.testing.assert_allclose(sure, [0.52, 0.86])
### BEGIN HIDDEN TESTS
chosen, sure = vote(drawn, [0.2, 0.1, 0.5])
want = np.average(drawn, axis=0, weights=[0.2, 0.1, 0.5])
np.testing.assert_array_equal(chosen, want.argmax(axis=1))
np.testing.assert_allclose(sure, want.max(axis=1), err_msg="the weights need not add up to 1")
### END HIDDEN TESTS

# %% [markdown]
# **Question 4.** Two networks were tried on the same pictures. Where both are right or both are wrong, nothing is learnt
# about which one is better. What counts is how often *only the first* is right (`first`) and *only the second*
# (`second`). If they were equally good, each of these `first + second` pictures would be a fair coin. Write
# `chance(first, second)`: the probability of a result at least as uneven as this one, in either direction. That is
# twice the probability of `min(first, second)` heads or fewer in `first + second` throws, but never more than 1. With no
# throw at all it is 1. (This is McNemar's exact test.)

# %% tags=["answer", "name:chance"]
def chance(first, second):
    """Give the two-sided probability of so uneven a result between equally good networks."""
    ### BEGIN SOLUTION
    throws, few = first + second, min(first, second)
    tail = sum(math.comb(throws, heads) for heads in range(few + 1)) / 2**throws
    return min(1.0, 2 * tail)
    ### END SOLUTION

# %% tags=["test", "name:chance-small", "points:3"]
assert math.isclose(chance(5, 0), 2 / 32), "five to nothing: two in 32"
assert chance(0, 0) == 1.0 and chance(3, 3) == 1.0
### BEGIN HIDDEN TESTS
from scipy.stats import binomtest

for first, second in ((1, 0), (7, 2), (2, 7), (10, 1), (4, 5)):
    want = binomtest(first, first + second, 0.5).pvalue
    assert math.isclose(chance(first, second), want, rel_tol=1e-9), f"{first} to {second}: {want:.4f}"
### END HIDDEN TESTS

# %% tags=["test", "name:chance-large", "points:2"]
assert chance(60, 30) < 0.01 < chance(50, 40)
### BEGIN HIDDEN TESTS
assert math.isclose(chance(700, 640), binomtest(700, 1340, 0.5).pvalue, rel_tol=1e-6), "hundreds of pictures, too"
### END HIDDEN TESTS

# %% [markdown]
# **Question 5.** You split your training pictures into k folds, train k networks, and let each predict the fold that it
# has not seen. Together these predictions cover every training picture once. Write
# `out_of_fold(folds, predictions)`: `folds` (N,) holds the fold of each picture, from 0 to k - 1; `predictions` (k, N)
# what each network says about every picture. Network j was trained *without* fold j. Return the honest prediction (N,)
# for each picture.

# %% tags=["answer", "name:out_of_fold"]
def out_of_fold(folds, predictions):
    """Give for each picture the prediction of the network that has not seen it."""
    ### BEGIN SOLUTION
    return np.asarray(predictions)[np.asarray(folds), np.arange(len(folds))]
    ### END SOLUTION

# %% tags=["test", "name:out_of_fold-1", "points:3"]
said = np.array([[10, 11, 12, 13], [20, 21, 22, 23]])
np.testing.assert_array_equal(out_of_fold([0, 1, 1, 0], said), [10, 21, 22, 13])
### BEGIN HIDDEN TESTS
random = np.random.default_rng(1)
folds, said = random.integers(0, 5, 40), random.integers(0, 100, (5, 40))
want = [said[fold][place] for place, fold in enumerate(folds)]
np.testing.assert_array_equal(out_of_fold(folds, said), want)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The contest
#
# Now train. Everything of the course is allowed, and so is everything else that you write yourself. A way that works:
#
# - split `contest/train` into folds, with copies on one side (notebook 02), and find out what your folds tell you;
# - start with the pretrained network that comes with the course, frozen (notebook 08), as a baseline in minutes;
# - fine-tune, augment, average, let several vote, and keep only what your folds show to be better (question 4);
# - write `submission.csv` in the form of `contest/sample_submission.csv`, and check it with your own question 2.
#
# Your code is yours: put it into cells of your own below, or into a file. They are not run when your work is graded.

# %% [markdown] tags=["contest", "name:leaderboard", "points:20", "from:0.3", "to:0.85"]
# **Question 6.** Hand in `submission.csv` beside this notebook. Thirty percent of the test pictures make the public
# leaderboard, the others the private one. The points follow from the *private* accuracy: none up to 0.30, all of them
# from 0.85 on, evenly in between. A file that would not be accepted earns nothing: the feedback names the row.

# %% [markdown]
# ## 4. In your own words

# %% [markdown] tags=["written", "name:what_helped", "points:6"]
# **Question 7.** What did you try, and what did your folds say about each step, with its spread? Name one thing that you
# left out although its number was better, or one that you kept although it made no difference, and say why.
#
# ### BEGIN SOLUTION
# To be read for: a baseline; one change at a time; the same folds for all; differences compared with their spread or a
# paired test; a choice that is not simply the largest number.
# ### END SOLUTION

# %% [markdown] tags=["written", "name:public_and_private", "points:4"]
# **Question 8.** Somebody hands in forty submissions and keeps the one with the best public accuracy. On the private part
# it falls back by ten places. What happened? How would you choose between forty submissions instead?
#
# ### BEGIN SOLUTION
# The public part is small, so the best of forty numbers is best partly by luck, and luck does not repeat on the private
# part. Choose by cross-validation on the training pictures, which is larger and which the forty did not get tuned to;
# use the public number only to see that nothing is broken.
# ### END SOLUTION
