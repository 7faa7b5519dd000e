# %% [markdown]
# # A tiny problem set
#
# For the tests of the grader.

# %%
import numpy as np

NUMBERS = [3, 1, 2]


# %% tags=["answer", "name:middle"]
def middle(values):
    """Give the median of a list of numbers."""
    ### BEGIN SOLUTION
    ordered = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    ### END SOLUTION


# %% tags=["test", "name:middle-odd", "points:3"]
assert middle(NUMBERS) == 2, "the middle of 3, 1, 2 is 2"
### BEGIN HIDDEN TESTS
for length in (1, 5, 7):
    drawn = np.random.default_rng(length).integers(0, 100, length).tolist()
    assert middle(drawn) == np.median(drawn), f"wrong for {drawn}"
### END HIDDEN TESTS

# %% tags=["test", "name:middle-even", "points:2"]
assert middle([4, 1]) == 2.5
### BEGIN HIDDEN TESTS
assert middle([1, 9, 5, 3]) == 4, "secret hint 4711"
### END HIDDEN TESTS

# %%
shown = middle(NUMBERS)


# %% tags=["answer", "name:scaled"]
### BEGIN SOLUTION
def scaled(array, factor=2):
    return np.asarray(array) * factor


UNIT = 1.0
### END SOLUTION

# %% tags=["test", "name:scaled-1", "points:4"]
np.testing.assert_allclose(scaled([1, 2]), [2, 4])
assert scaled(np.ones((2, 3)), factor=3).shape == (2, 3)
assert UNIT == 1

# %% [markdown] tags=["written", "name:why", "points:5"]
# Why the median?
#
# ### BEGIN SOLUTION
# It does not follow outliers.
# ### END SOLUTION
