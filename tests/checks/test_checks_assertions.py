"""The comparisons for authors of exercises: each names the likeliest cause of a difference."""

import math

import numpy as np
import pytest

from course_utils.checks import Wrong, close, equal, same_shape, same_type


def refused(function, *args, **options) -> str:
    with pytest.raises(Wrong) as caught:
        function(*args, **options)
    return str(caught.value)


WANT = np.array([[0.2, 0.5, 0.3], [0.1, 0.25, 0.6]])


@pytest.mark.parametrize(
    ("got", "fragment"),
    [
        (WANT * 255, "divide by 255"),
        (WANT / 255, "255 twice"),
        (WANT * 100, "not in percent"),
        (-WANT, "sign"),
        (WANT / np.log(2), "base 2"),
        (WANT**2, "root missing"),
        (WANT**0.5, "root too many"),
        (WANT[:, ::-1], "reverse order"),
        (WANT * 2, "twice too large"),
        (WANT * np.sqrt(10 / 9), "n - 1 instead of n (here n = 10)"),
        (WANT.T, "transpose or permute"),
        (WANT[None], "Only axes of length 1 differ"),
        (np.stack([WANT, WANT]), "one axis too many"),
        (WANT.ravel(), "reshape or flatten"),
        (0.3, "single number"),
        (WANT * np.nan, "NaN"),
        (WANT * np.inf, "infinite"),
        (None, "return"),
        ("text", "should be numbers"),
        ([[1, 2], [3]], "should be numbers"),
        (WANT + np.array([[0, 0, 0], [0, 1, 0]]), "one value differs; at index (1, 1)"),
    ],
)
def test_close_names_the_likeliest_cause(got, fragment):
    assert fragment in refused(close, got, WANT, what="the mean")


def test_a_square_matrix_may_be_transposed():
    want = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert "rows and columns swapped" in refused(close, want.T, want)


def test_close_takes_lists_arrays_tensors_and_single_numbers():
    import torch

    close(torch.tensor(WANT.astype(np.float32), requires_grad=True), WANT, 1e-6)
    close(WANT.tolist(), WANT)
    close([torch.tensor(1.0), torch.tensor(2)], [1, 2])
    close(torch.tensor([3]), 3)
    close(True, 1)
    close(np.array([]), [])
    close([1.0, math.inf], [1.0, math.inf])
    close(1_000_001.0, 1_000_000.0, 1e-5)
    assert refused(close, torch.tensor([3.1]), 3)  # the same kinds, a wrong value
    assert refused(close, [1.0, math.inf], [1.0, -math.inf])


@pytest.mark.parametrize("tolerance", [1e-9, 1e-3, 0.1])
def test_the_tolerance_is_kept_on_both_sides(tolerance):
    close(1 + 0.9 * tolerance, 1.0, tolerance)
    close(1 - 0.9 * tolerance, 1.0, tolerance)
    assert refused(close, 1 + 1.1 * tolerance, 1.0, tolerance)
    assert refused(close, 1 - 1.1 * tolerance, 1.0, tolerance)


def test_equal():
    equal([1, 2], [1, 2])
    equal((1, 2), [1, 2])
    equal({"a": 1}, {"a": 1})
    equal(np.int32(3), 3)
    equal(3, 3.0)
    equal([1, 2], np.array([1, 2]))
    assert "their order is not" in refused(equal, ["b", "a"], ["a", "b"])
    assert "has 1 items, expected 2" in refused(equal, [1], [1, 2])
    assert "item 1 is 5" in refused(equal, [1, 5], [1, 2])
    assert "type int, expected str" in refused(equal, 3, "3")
    assert "type bool" in refused(equal, True, 1)
    assert "is 'a', expected 'b'" in refused(equal, "a", "b")


def test_same_type_and_shape():
    same_type(np.float32(1), float)
    same_type(3, float)
    same_type(True, bool)
    assert "bool, expected int" in refused(same_type, True, int)
    assert "calling it" in refused(same_type, len, int)
    assert "list, expected int or float" in refused(same_type, [1], (int, float))
    same_shape(np.zeros((2, 3)), (2, 3))
    same_shape([[1, 2, 3]], np.zeros((1, 3)))
    assert "None" in refused(same_shape, None, (1,))
