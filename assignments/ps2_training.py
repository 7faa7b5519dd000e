# ---
# jupyter:
#   length: on purpose; a problem set has one source, so that text, solutions and tests cannot drift apart
# ---

# %% [markdown]
# # Problem set 2: how a network learns
#
# A training run is a few lines that are repeated a million times: a loss, a gradient, a step. Most of what goes wrong in
# practice goes wrong in one of these lines, and without an error message. In this problem set you write them yourself,
# each so that it can be checked, and at the end you put them together and train.
#
# You need notebooks 03, 04 and 05, PyTorch, and about 100 minutes.
#
# **How to work.** Write your code where it says `YOUR CODE HERE`, and your texts where it says `YOUR ANSWER HERE`.
# Below each question are tests that you can run. When your work is graded, they ask the same questions of other
# numbers. Any correct way passes. Cells of your own are welcome anywhere. Do not delete, copy, split or rename the
# cells that are here.

# %%
import math

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)

# %% [markdown]
# ## 1. Losses for a world that is not balanced
#
# A thousand pictures of chickweed, ten of maize: a network that always says chickweed is right 99 times in 100. Two
# losses try to help. One gives rare classes more weight, the other gives *easy pictures* less.
#
# **Question 1.** Write `weighted_cross_entropy(logits, targets, weights)`. `logits` has the shape (B, K), `targets` (B,)
# holds class indices, `weights` (K,) the weight of each class. The loss of a picture is weighted by its class, and the
# mean is a *weighted mean*: the sum of the weighted losses over the sum of the weights of these pictures. You may use
# `F.log_softmax`, but not `F.cross_entropy` or `nn.CrossEntropyLoss`: that is what the tests compare with.

# %% tags=["answer", "name:weighted_cross_entropy"]
def weighted_cross_entropy(logits, targets, weights):
    """Give the weighted mean of the cross-entropy, a tensor with one number."""
    ### BEGIN SOLUTION
    losses = -F.log_softmax(logits, dim=1)[torch.arange(len(targets)), targets]  # (B,)
    of_each = weights[targets]  # (B,)
    return (of_each * losses).sum() / of_each.sum()
    ### END SOLUTION

# %% tags=["test", "name:weighted_cross_entropy-equal", "points:2"]
logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.5, 0.0]])
targets = torch.tensor([0, 2])
loss = float(weighted_cross_entropy(logits, targets, torch.ones(3)))
assert math.isclose(loss, float(F.cross_entropy(logits, targets)), rel_tol=1e-5), "equal weights: the plain mean"
### BEGIN HIDDEN TESTS
loss = float(weighted_cross_entropy(logits, targets, torch.full((3,), 0.25)))
assert math.isclose(loss, float(F.cross_entropy(logits, targets)), rel_tol=1e-5), "weights of 1/4 change nothing either"
### END HIDDEN TESTS

# %% tags=["test", "name:weighted_cross_entropy-mean", "points:3"]
weights = torch.tensor([1.0, 1.0, 9.0])
loss = float(weighted_cross_entropy(logits, targets, weights))
assert math.isclose(loss, float(F.cross_entropy(logits, targets, weights)), rel_tol=1e-5), "divide by the weights, not by B"
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    random = torch.Generator().manual_seed(seed)
    drawn = 4 * torch.randn(17, 5, generator=random)
    classes = torch.randint(0, 5, (17,), generator=random)
    weights = torch.rand(5, generator=random) + 0.1
    found = float(weighted_cross_entropy(drawn, classes, weights))
    assert math.isclose(found, float(F.cross_entropy(drawn, classes, weights)), rel_tol=1e-5), "a weighted mean"
### END HIDDEN TESTS

# %% [markdown]
# **Question 2.** The *focal loss* (arXiv 1708.02002) of a picture is $-(1 - p)^\gamma \log p$, where $p$ is the
# probability of its true class. Write `focal_loss(logits, targets, gamma)`: the mean over the batch. Logits of 1000 must
# not break it, so do not take the logarithm of a softmax.

# %% tags=["answer", "name:focal_loss"]
def focal_loss(logits, targets, gamma):
    """Give the mean focal loss, a tensor with one number."""
    ### BEGIN SOLUTION
    log_p = F.log_softmax(logits, dim=1)[torch.arange(len(targets)), targets]  # (B,)
    return (-((1 - log_p.exp()) ** gamma) * log_p).mean()
    ### END SOLUTION

# %% tags=["test", "name:focal_loss-formula", "points:3"]
even = torch.zeros(1, 2)  # p is 1/2
assert math.isclose(float(focal_loss(even, torch.tensor([0]), 2.0)), 0.25 * math.log(2), rel_tol=1e-5)
assert math.isclose(float(focal_loss(logits, targets, 0.0)), float(F.cross_entropy(logits, targets)), rel_tol=1e-5)
### BEGIN HIDDEN TESTS
random = torch.Generator().manual_seed(3)
drawn, classes = torch.randn(20, 4, generator=random), torch.randint(0, 4, (20,), generator=random)
p = drawn.double().softmax(dim=1)[torch.arange(20), classes]
for gamma in (0.5, 2.0, 5.0):
    want = float((-((1 - p) ** gamma) * p.log()).mean())
    assert math.isclose(float(focal_loss(drawn, classes, gamma)), want, rel_tol=1e-4), f"gamma {gamma}: the mean over all"
### END HIDDEN TESTS

# %% tags=["test", "name:focal_loss-stable", "points:2"]
huge = torch.tensor([[1000.0, -1000.0]])
assert float(focal_loss(huge, torch.tensor([0]), 2.0)) == 0.0, "a sure and right answer costs nothing"
### BEGIN HIDDEN TESTS
assert math.isclose(float(focal_loss(huge, torch.tensor([1]), 2.0)), 2000.0, rel_tol=1e-5), "a sure and wrong one a lot"
### END HIDDEN TESTS

# %% [markdown]
# ## 2. One step, done right
#
# **Question 3.** Adam with *decoupled* weight decay is called AdamW (arXiv 1711.05101). With gradient $g$, step number
# $t$ (from 1), $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\epsilon = 10^{-8}$, learning rate $\eta$ and decay $\lambda$:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2$$
# $$w \leftarrow w - \eta \lambda w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$
#
# where the $w$ in $\eta \lambda w$ is the old one. Write `adamw_step(weight, gradient, m, v, t, rate, decay)` for NumPy
# arrays. Return the new `(weight, m, v)` and leave the given arrays as they are.

# %% tags=["answer", "name:adamw_step"]
def adamw_step(weight, gradient, m, v, t, rate, decay):
    """Give (weight, m, v) after step number t, counted from 1."""
    ### BEGIN SOLUTION
    m = 0.9 * m + 0.1 * gradient
    v = 0.999 * v + 0.001 * gradient**2
    step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return weight - rate * decay * weight - rate * step, m, v
    ### END SOLUTION

# %% tags=["test", "name:adamw_step-first", "points:2"]
weight, gradient = np.array([1.0, -2.0]), np.array([0.3, -0.4])
new, m, v = adamw_step(weight, gradient, np.zeros(2), np.zeros(2), 1, 0.1, 0.0)
np.testing.assert_allclose(new, [0.9, -1.9], rtol=1e-5, err_msg="the first step of Adam has the size of the rate")
np.testing.assert_allclose(m, 0.1 * gradient)
### BEGIN HIDDEN TESTS
np.testing.assert_allclose(v, 0.001 * gradient**2, err_msg="v after one step")
### END HIDDEN TESTS

# %% tags=["test", "name:adamw_step-torch", "points:4"]
new, _, _ = adamw_step(weight, np.zeros(2), np.zeros(2), np.zeros(2), 1, 0.1, 0.5)
np.testing.assert_allclose(new, 0.95 * weight, err_msg="without a gradient only the decay is left: 1 - 0.1 * 0.5")
### BEGIN HIDDEN TESTS
start = np.array([0.5, -1.5, 2.0])
parameter = torch.nn.Parameter(torch.tensor(start))
optimizer = torch.optim.AdamW([parameter], lr=0.05, weight_decay=0.2)
w, m, v = start.copy(), np.zeros(3), np.zeros(3)
for t in range(1, 21):
    g = np.array([np.sin(t), 0.01 * t, -1.0])
    parameter.grad = torch.tensor(g)
    optimizer.step()
    w, m, v = adamw_step(w, g, m, v, t, 0.05, 0.2)
np.testing.assert_allclose(w, parameter.detach().numpy(), rtol=1e-6, err_msg="after 20 steps, against torch.optim.AdamW")
### END HIDDEN TESTS

# %% [markdown]
# **Question 4.** One bad batch can have a gradient a thousand times as long as the others. Write
# `clip_gradients(gradients, longest)`: `gradients` is a list of arrays of any shapes, one for each weight tensor. All of
# them *together* are one long vector. If its length (the square root of the sum of all squares) is above `longest`, all
# are scaled by the same factor, so that it is `longest`; else they stay as they are. Return the list of arrays and the
# length before clipping.

# %% tags=["answer", "name:clip_gradients"]
def clip_gradients(gradients, longest):
    """Give (the list of clipped gradients, their length before clipping)."""
    ### BEGIN SOLUTION
    length = math.sqrt(sum(float((np.asarray(gradient) ** 2).sum()) for gradient in gradients))
    factor = min(1.0, longest / length) if length > 0 else 1.0
    return [np.asarray(gradient) * factor for gradient in gradients], length
    ### END SOLUTION

# %% tags=["test", "name:clip_gradients-together", "points:3"]
clipped, length = clip_gradients([np.array([3.0]), np.array([[0.0, 4.0]])], 1.0)
assert math.isclose(length, 5.0), "3 and 4 together have the length 5"
np.testing.assert_allclose(clipped[0], [0.6])
np.testing.assert_allclose(clipped[1], [[0.0, 0.8]])
### BEGIN HIDDEN TESTS
random = np.random.default_rng(0)
many = [random.normal(size=shape) for shape in ((4, 3), (7,), (2, 2, 2))]
flat = np.concatenate([one.ravel() for one in many])
clipped, length = clip_gradients(many, 0.5)
assert math.isclose(length, float(np.linalg.norm(flat)), rel_tol=1e-9), "the length before clipping"
np.testing.assert_allclose(np.concatenate([np.ravel(one) for one in clipped]), 0.5 * flat / np.linalg.norm(flat))
### END HIDDEN TESTS

# %% tags=["test", "name:clip_gradients-short", "points:2"]
clipped, length = clip_gradients([np.array([0.3, 0.4])], 1.0)
np.testing.assert_allclose(clipped[0], [0.3, 0.4], err_msg="short gradients stay as they are")
### BEGIN HIDDEN TESTS
clipped, length = clip_gradients([np.zeros(3)], 1.0)
assert length == 0 and not np.any(clipped[0]) and not np.any(np.isnan(clipped[0])), "a gradient of zeros is no accident"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. When to go slower, and when to stop
#
# **Question 5.** Large language models made a simple schedule popular: the rate rises in a line, stays, and falls in a
# line. Write `trapezoid(step, total, warmup, cooldown, highest)` for steps from 0 to `total - 1`:
#
# - in the first `warmup` steps it is `highest * (step + 1) / warmup`, so that the last of them has the full rate;
# - in the last `cooldown` steps it is `highest * (total - step) / (cooldown + 1)`, so that step `total` would have 0;
# - in between it is `highest`. `warmup` and `cooldown` may be 0; together they are at most `total`.

# %% tags=["answer", "name:trapezoid"]
def trapezoid(step, total, warmup, cooldown, highest):
    """Give the learning rate of a step, counted from 0."""
    ### BEGIN SOLUTION
    if step < warmup:
        return highest * (step + 1) / warmup
    if step >= total - cooldown:
        return highest * (total - step) / (cooldown + 1)
    return highest
    ### END SOLUTION

# %% tags=["test", "name:trapezoid-shape", "points:3"]
rates = [float(trapezoid(step, 10, 2, 3, 1.0)) for step in range(10)]
np.testing.assert_allclose(rates, [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
### BEGIN HIDDEN TESTS
for total, warmup, cooldown in ((20, 5, 4), (7, 3, 4), (12, 1, 1)):
    rates = [float(trapezoid(step, total, warmup, cooldown, 0.4)) for step in range(total)]
    up = [0.4 * (k + 1) / warmup for k in range(warmup)]
    down = [0.4 * (cooldown - k) / (cooldown + 1) for k in range(cooldown)]
    want = up + [0.4] * (total - warmup - cooldown) + down
    np.testing.assert_allclose(rates, want, err_msg=f"{total} steps, {warmup} up, {cooldown} down")
### END HIDDEN TESTS

# %% tags=["test", "name:trapezoid-none", "points:1"]
assert [float(trapezoid(step, 3, 0, 0, 0.1)) for step in range(3)] == [0.1] * 3
### BEGIN HIDDEN TESTS
np.testing.assert_allclose([float(trapezoid(step, 4, 0, 4, 1.0)) for step in range(4)], [0.8, 0.6, 0.4, 0.2])
### END HIDDEN TESTS

# %% [markdown]
# **Question 6.** Validation losses are noisy. Write `stop_early(losses, patience, least)`. It goes through the epochs'
# validation losses and counts as *better* only a loss that is smaller than the best one so far by more than `least` (the
# first loss is always better). Training ends after `patience` epochs in a row without a better one, or with the list.
# Return `(best, last)`: the number of the best epoch and of the last epoch trained, both counted from 1. A loss that is
# NaN is never better.

# %% tags=["answer", "name:stop_early"]
def stop_early(losses, patience, least):
    """Give (best epoch, last epoch trained), counted from 1."""
    ### BEGIN SOLUTION
    best, best_loss = 1, math.inf
    for epoch, loss in enumerate(losses, start=1):
        if loss < best_loss - least or (epoch == 1 and not math.isnan(loss)):
            best, best_loss = epoch, loss
        if epoch - best >= patience:
            return best, epoch
    return best, len(losses)
    ### END SOLUTION

# %% tags=["test", "name:stop_early-patience", "points:3"]
assert tuple(stop_early([1.0, 0.8, 0.9, 0.85, 0.7], 2, 0.0)) == (2, 4), "two epochs without a better one: stop after 4"
assert tuple(stop_early([1.0, 0.8, 0.9, 0.7, 0.6], 2, 0.0)) == (5, 5)
### BEGIN HIDDEN TESTS
assert tuple(stop_early([0.5, 0.5, 0.5, 0.5], 3, 0.0)) == (1, 4), "an equal loss is not better"
assert tuple(stop_early([3.0, 2.0, 1.0], 1, 0.0)) == (3, 3)
assert tuple(stop_early([1.0, 2.0, 3.0], 5, 0.0)) == (1, 3), "the list ends before patience does"
### END HIDDEN TESTS

# %% tags=["test", "name:stop_early-least", "points:2"]
assert tuple(stop_early([1.0, 0.95, 0.93, 0.5], 2, 0.1)) == (1, 3), "0.95 and 0.93 are not better by more than 0.1"
### BEGIN HIDDEN TESTS
assert tuple(stop_early([1.0, math.nan, 0.5, math.nan, math.nan, 0.1], 2, 0.0)) == (3, 5), "NaN is never better"
assert tuple(stop_early([1.0, 0.95, 0.85, 0.8, 0.79], 3, 0.1)) == (3, 5), "compare with the best, not with the last"
### END HIDDEN TESTS

# %% [markdown]
# ## 4. All of it together
#
# Here is a small world: points in two interleaved spirals. No straight line parts them.

# %%
def spirals(number, *, seed):
    """Draw points (N, 2), float32, and their classes (N,), int64: two spirals."""
    random = np.random.default_rng(seed)
    classes = random.integers(0, 2, number)
    turn = np.sqrt(random.uniform(0.05, 1, number)) * 2 * np.pi
    angle = turn + np.pi * classes
    points = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / 6
    return (points + random.normal(0, 0.03, points.shape)).astype(np.float32), classes.astype(np.int64)


points, classes = spirals(400, seed=0)
print(points.shape, points.dtype, "classes:", np.bincount(classes))

# %% [markdown]
# **Question 7.** Write `train(points, classes, epochs, seed)`. It builds a small network of your choice (two inputs, two
# outputs), trains it with mini-batches for `epochs` epochs, and returns a pair: the list of the mean training loss of
# each epoch, *per picture* (the last batch may be smaller: it counts what it should), and a function that gives the
# predicted classes for points (N, 2). Everything random follows from `seed`: called twice it gives the same losses, and
# another seed gives others. 60 epochs on 400 points should take some seconds and reach an accuracy of 95 % on points
# that it has not seen.

# %% tags=["answer", "name:train"]
def train(points, classes, epochs, seed):
    """Give (the mean loss of each epoch, a function from points (N, 2) to predicted classes (N,))."""
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    inputs, targets = torch.as_tensor(points), torch.as_tensor(classes)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 2)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(inputs)).split(32):
            loss = F.cross_entropy(model(inputs[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(inputs))

    def predict(points):
        with torch.inference_mode():
            return model(torch.as_tensor(points)).argmax(dim=1).numpy()

    return losses, predict
    ### END SOLUTION

# %% tags=["test", "name:train-learns", "points:4"]
losses, predict = train(points, classes, 60, 0)
assert len(losses) == 60 and losses[-1] < 0.5 * losses[0], "the loss falls"
new_points, new_classes = spirals(300, seed=1)
accuracy = float(np.mean(np.asarray(predict(new_points)) == new_classes))
assert accuracy >= 0.95, f"accuracy {accuracy:.2f} on new points"
### BEGIN HIDDEN TESTS
other_points, other_classes = spirals(401, seed=7)
losses, predict = train(other_points, other_classes, 60, 3)
new_points, new_classes = spirals(500, seed=8)
accuracy = float(np.mean(np.asarray(predict(new_points)) == new_classes))
assert accuracy >= 0.92, f"accuracy {accuracy:.2f} on other spirals"
### END HIDDEN TESTS

# %% tags=["test", "name:train-seed", "points:3"]
first, again, other = (list(train(points, classes, 2, seed)[0]) for seed in (5, 5, 6))
assert first == again, "the same seed gives the same losses, to the last bit"
assert first != other, "another seed gives others"
### BEGIN HIDDEN TESTS
np.random.seed(1)
torch.manual_seed(99)
assert list(train(points[:101], classes[:101], 2, 5)[0]) == list(train(points[:101], classes[:101], 2, 5)[0])
assert all(math.isfinite(loss) for loss in first) and len(first) == 2
### END HIDDEN TESTS

# %% [markdown]
# ## 5. In your own words

# %% [markdown] tags=["written", "name:step_order", "points:5"]
# **Question 8.** In mixed precision the loss is multiplied by 65,536 before the backward pass. Somebody clips the
# gradients to length 1 and then calls `scaler.step(optimizer)`, without `scaler.unscale_(optimizer)` before. What
# happens to training, and why does no error message appear? Say in which order the calls belong.
#
# ### BEGIN SOLUTION
# The gradients are still 65,536 times too long, so nearly every one is clipped to length 1, and then divided by 65,536:
# what is left is a step of about 1/65,536 of what was meant (with Adam, whose step does not depend on the scale, what is
# lost is the ratio between batches). Every call is legal, so nothing complains; training just hardly moves. Right: scale
# the loss, backward, unscale, clip, step, update.
# ### END SOLUTION

# %% [markdown] tags=["written", "name:diagnosis", "points:5"]
# **Question 9.** A training loss falls nicely for 300 steps, jumps to NaN in step 301, and stays there. The checkpoint
# "best" was overwritten in epoch 2 with NaN weights. Which two faults do you see? What do you change first, what next,
# and how would you find the batch that did it?
#
# ### BEGIN SOLUTION
# Two faults: the run diverges (rate too high for the place it has come to, one broken picture or label, an overflow in
# float16), and the code takes NaN for a better value (`not value < best`, or a comparison with NaN the wrong way round)
# and goes on after it. First: stop at the first loss that is not finite, and never save it. Then lower the rate, warm up,
# clip. The batch: the order follows from seed and epoch, so it can be drawn again; look at its pictures and labels, and
# at the length of its gradient.
# ### END SOLUTION
