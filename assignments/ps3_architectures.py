# ---
# jupyter:
#   length: on purpose; a problem set has one source, so that text, solutions and tests cannot drift apart
# ---

# %% [markdown]
# # Problem set 3: what a network is made of
#
# The famous networks of the last ten years differ in a few lines: what is added, what is concatenated, what is squeezed,
# what is left out. In this problem set you write those lines, and each is compared with the original: same weights in,
# same numbers out. At the end you load weights that do not quite fit, and freeze what should not move.
#
# You need notebooks 07, 08, 09 and 11, PyTorch, and about 100 minutes.
#
# **How to work.** Write your code where it says `YOUR CODE HERE`, and your texts where it says `YOUR ANSWER HERE`.
# Below each question are tests that you can run. When your work is graded, they ask the same questions of other
# numbers. Any correct way passes, but give the parts of a module the names that the question asks for: by them the
# weights are loaded. Do not delete, copy, split or rename the cells that are here.

# %%
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import BasicBlock
from torchvision.ops import SqueezeExcitation

torch.set_num_threads(1)


def random_state(module, *, seed):
    """Give a state dict like the module's, filled with random numbers that make no layer explode."""
    random = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in module.state_dict().items():
        if not value.is_floating_point():
            state[name] = torch.zeros_like(value)
        elif "running_var" in name:
            state[name] = torch.rand(value.shape, generator=random) + 0.5
        else:
            state[name] = torch.randn(value.shape, generator=random) * 0.3
    return state


def random_images(*shape, seed):
    """Give random numbers of a shape."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

# %% [markdown]
# ## 1. How far does a layer see?
#
# **Question 1.** A number in a feature map depends on a square of the picture: its *receptive field*. One convolution
# with a 3 x 3 kernel sees 3 pixels in each direction; two of them see 5; and a stride lets everything behind it take
# larger steps. Write `receptive_field(layers)`: `layers` is a list of (kernel, stride), from the picture to the feature
# map. Return the side of the square in pixels, leaving the picture's border aside.

# %% tags=["answer", "name:receptive_field"]
def receptive_field(layers):
    """Give the side of the receptive field in pixels; an empty list sees one pixel."""
    ### BEGIN SOLUTION
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field
    ### END SOLUTION

# %% tags=["test", "name:receptive_field-plain", "points:2"]
assert receptive_field([(3, 1)]) == 3 and receptive_field([(3, 1), (3, 1)]) == 5
### BEGIN HIDDEN TESTS
assert receptive_field([]) == 1 and receptive_field([(1, 1)] * 4) == 1 and receptive_field([(7, 1), (5, 1)]) == 11
### END HIDDEN TESTS

# %% tags=["test", "name:receptive_field-stride", "points:3"]
assert receptive_field([(3, 2), (3, 1)]) == 7, "behind a stride of 2 the next kernel takes steps of 2 pixels"
### BEGIN HIDDEN TESTS
def seen(layers, size=200):
    """Give from where to where pixels change the middle of the feature map: by experiment."""
    image = torch.zeros(1, 1, size, 1, dtype=torch.float64, requires_grad=True)
    out = image
    for kernel, stride in layers:
        out = F.conv2d(out, torch.ones(1, 1, kernel, 1, dtype=torch.float64), stride=(stride, 1))
    out[0, 0, out.shape[2] // 2, 0].backward()
    touched = image.grad.ravel().nonzero()
    return int(touched.max() - touched.min()) + 1


for layers in ([(7, 2), (3, 2), (3, 1)], [(3, 1), (2, 2), (3, 1), (2, 2)], [(5, 3), (1, 2), (3, 1)]):
    assert receptive_field(layers) == seen(layers), f"{layers}"
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Adding: the residual block
#
# **Question 2.** Write the module `ResidualBlock(in_channels, out_channels, stride)`, the BasicBlock of ResNet
# (arXiv 1512.03385): `conv1` (3 x 3, with the stride, padding 1, no bias), `bn1`, ReLU, `conv2` (3 x 3, stride 1,
# padding 1, no bias), `bn2`; then the shortcut is added, and a ReLU follows. The shortcut is the input itself where
# that fits; else `downsample`, a `nn.Sequential` of a 1 x 1 convolution with the stride and no bias, and a batch norm.

# %% tags=["answer", "name:residual_block"]
class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut; parts: conv1, bn1, conv2, bn2, downsample (or None)."""

    ### BEGIN SOLUTION
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)
    ### END SOLUTION

# %% tags=["test", "name:residual_block-identity", "points:4"]
block, original = ResidualBlock(6, 6, 1), BasicBlock(6, 6).eval()
state, images = random_state(original, seed=0), random_images(2, 6, 8, 8, seed=1)
assert set(block.state_dict()) == set(state), f"the parts are {sorted(state)}"
original.load_state_dict(state)
block.load_state_dict(state)
block.eval()
torch.testing.assert_close(block(images), original(images).detach(), rtol=1e-4, atol=1e-4)
### BEGIN HIDDEN TESTS
images = random_images(1, 6, 5, 7, seed=2)
torch.testing.assert_close(block(images), original(images).detach(), rtol=1e-4, atol=1e-4)
### END HIDDEN TESTS

# %% tags=["test", "name:residual_block-projection", "points:3"]
assert tuple(ResidualBlock(4, 8, 2)(random_images(2, 4, 8, 8, seed=3)).shape) == (2, 8, 4, 4)
### BEGIN HIDDEN TESTS
for inputs, outputs, stride in ((4, 8, 2), (5, 3, 1), (6, 6, 2)):
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    original = BasicBlock(inputs, outputs, stride, shortcut).eval()
    state, images = random_state(original, seed=4), random_images(2, inputs, 8, 8, seed=5)
    original.load_state_dict(state)
    block = ResidualBlock(inputs, outputs, stride)
    block.load_state_dict(state)
    block.eval()
    torch.testing.assert_close(block(images), original(images).detach(), rtol=1e-4, atol=1e-4)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Concatenating: the block that keeps everything
#
# **Question 3.** A residual block overwrites its input with a sum. A dense block, such as RDNet's (arXiv 2403.19588),
# keeps it and puts a few new channels beside it. Write the module `GrowingBlock(in_channels, growth, expansion)`:
# `spatial` (7 x 7, depthwise: one filter for each channel, padding 3, with bias), `norm` (a batch norm), `expand` (1 x 1,
# from `in_channels` to `expansion * in_channels` channels, with bias), GELU, `shrink` (1 x 1, to `growth` channels, with
# bias). The result is the input, unchanged, with the `growth` new channels *behind* it.

# %% tags=["answer", "name:growing_block"]
class GrowingBlock(nn.Module):
    """Keeps its input and adds `growth` channels; parts: spatial, norm, expand, shrink."""

    ### BEGIN SOLUTION
    def __init__(self, in_channels, growth, expansion):
        super().__init__()
        self.spatial = nn.Conv2d(in_channels, in_channels, 7, padding=3, groups=in_channels)
        self.norm = nn.BatchNorm2d(in_channels)
        self.expand = nn.Conv2d(in_channels, expansion * in_channels, 1)
        self.shrink = nn.Conv2d(expansion * in_channels, growth, 1)

    def forward(self, x):
        new = self.shrink(F.gelu(self.expand(self.norm(self.spatial(x)))))
        return torch.cat([x, new], dim=1)
    ### END SOLUTION

# %% tags=["test", "name:growing_block-keeps", "points:3"]
images = random_images(2, 5, 6, 6, seed=6)
out = GrowingBlock(5, 3, 2)(images)
assert tuple(out.shape) == (2, 8, 6, 6), "5 channels and 3 new ones"
assert torch.equal(out[:, :5], images), "the input stands in front, unchanged"
### BEGIN HIDDEN TESTS
images = random_images(1, 4, 9, 5, seed=7)
out = GrowingBlock(4, 6, 3)(images)
assert tuple(out.shape) == (1, 10, 9, 5) and torch.equal(out[:, :4], images)
### END HIDDEN TESTS

# %% tags=["test", "name:growing_block-new", "points:4"]
block = GrowingBlock(5, 3, 2)
number = sum(value.numel() for name, value in block.state_dict().items() if "running" not in name and "num_" not in name)
assert number == 5 * 49 + 5 + 2 * 5 + 5 * 10 + 10 + 10 * 3 + 3, f"{number} weights; is `spatial` depthwise, with biases?"
### BEGIN HIDDEN TESTS
def by_formula(state, x):
    """Compute the new channels from the weights."""
    channels = x.shape[1]
    x = F.conv2d(x, state["spatial.weight"], state["spatial.bias"], padding=3, groups=channels)
    mean, var = state["norm.running_mean"], state["norm.running_var"]
    x = F.batch_norm(x, mean, var, state["norm.weight"], state["norm.bias"])
    x = F.gelu(F.conv2d(x, state["expand.weight"], state["expand.bias"]))
    return F.conv2d(x, state["shrink.weight"], state["shrink.bias"])


shapes = {"spatial": (4, 1, 7, 7), "expand": (12, 4, 1, 1), "shrink": (6, 12, 1, 1)}
state = {f"{name}.weight": random_images(*shape, seed=8) * 0.3 for name, shape in shapes.items()}
state |= {f"{name}.bias": random_images(shape[0], seed=9) for name, shape in shapes.items()}
state |= {f"norm.{name}": random_images(4, seed=10).abs() + 0.5 for name in ("weight", "bias", "running_mean", "running_var")}
state["norm.num_batches_tracked"] = torch.tensor(0)
block = GrowingBlock(4, 6, 3)
block.load_state_dict(state)
block.eval()
images = random_images(2, 4, 8, 8, seed=11)
torch.testing.assert_close(block(images)[:, 4:], by_formula(state, images), rtol=1e-3, atol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Multiplying: squeeze and excite
#
# **Question 4.** MobileNetV3 lets each picture decide which channels matter (arXiv 1709.01507). Write the module
# `SqueezeExcite(channels, reduced)`: average each channel over the picture, `fc1` (1 x 1 convolution to `reduced`
# channels, with bias), ReLU, `fc2` (1 x 1 convolution back, with bias), hard sigmoid; multiply the input with the result,
# channel by channel.

# %% tags=["answer", "name:squeeze_excite"]
class SqueezeExcite(nn.Module):
    """Weigh the channels by what the whole picture shows; parts: fc1, fc2."""

    ### BEGIN SOLUTION
    def __init__(self, channels, reduced):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, reduced, 1)
        self.fc2 = nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        weights = F.hardsigmoid(self.fc2(F.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))))  # (B, C, 1, 1)
        return x * weights
    ### END SOLUTION

# %% tags=["test", "name:squeeze_excite-1", "points:4"]
original = SqueezeExcitation(6, 2, scale_activation=nn.Hardsigmoid).eval()
state, images = random_state(original, seed=12), 3 * random_images(2, 6, 5, 4, seed=13)
original.load_state_dict(state)
gate = SqueezeExcite(6, 2)
gate.load_state_dict(state)
torch.testing.assert_close(gate(images), original(images).detach(), rtol=1e-4, atol=1e-5)
### BEGIN HIDDEN TESTS
state, images = random_state(original, seed=14), 5 * random_images(1, 6, 1, 9, seed=15)
original.load_state_dict(state)
gate.load_state_dict(state)
torch.testing.assert_close(gate(images), original(images).detach(), rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Weights that do not quite fit
#
# **Question 5.** You found a checkpoint. Its names begin with `module.`, since it was trained on several GPUs, and its
# head has a thousand classes. Write `match_weights(wanted, given, prefix)`. Both are dictionaries from names to tensors:
# what your network has, and what the file holds. Take `prefix` off the names that begin with it. A tensor is *taken* if
# your network has its name and its shape. Return three things: the dictionary of what is taken (under your network's
# names), the sorted list of names in the file (as they stand there) that are not taken, and the sorted list of names of
# your network that get nothing.

# %% tags=["answer", "name:match_weights"]
def match_weights(wanted, given, prefix):
    """Give (taken, names of the file not taken, names of the network without a tensor)."""
    ### BEGIN SOLUTION
    taken, left = {}, []
    for name, tensor in given.items():
        own = name.removeprefix(prefix)
        if own in wanted and wanted[own].shape == tensor.shape:
            taken[own] = tensor
        else:
            left.append(name)
    return taken, sorted(left), sorted(set(wanted) - set(taken))
    ### END SOLUTION

# %% tags=["test", "name:match_weights-taken", "points:3"]
wanted = {"conv.weight": torch.zeros(2, 3), "head.weight": torch.zeros(4, 2), "head.bias": torch.zeros(4)}
given = {"module.conv.weight": torch.ones(2, 3), "module.head.weight": torch.ones(1000, 2), "module.step": torch.ones(1)}
taken, left, missing = match_weights(wanted, given, "module.")
assert list(taken) == ["conv.weight"] and torch.equal(taken["conv.weight"], torch.ones(2, 3))
### BEGIN HIDDEN TESTS
given = {"a.module.x": torch.ones(1), "x": torch.full((1,), 2.0), "module.y": torch.full((2,), 3.0)}
taken, _, _ = match_weights({"a.module.x": torch.zeros(1), "x": torch.zeros(1), "y": torch.zeros(2)}, given, "module.")
assert {name: float(value[0]) for name, value in taken.items()} == {"a.module.x": 1, "x": 2, "y": 3}, "a prefix, not a part"
### END HIDDEN TESTS

# %% tags=["test", "name:match_weights-report", "points:3"]
assert left == ["module.head.weight", "module.step"], f"not taken: {left}"
assert missing == ["head.bias", "head.weight"], f"without a tensor: {missing}"
### BEGIN HIDDEN TESTS
taken, left, missing = match_weights({"w": torch.zeros(2, 1)}, {"w": torch.zeros(1, 2), "b": torch.zeros(1)}, "")
assert taken == {} and left == ["b", "w"] and missing == ["w"], "as many numbers in another shape do not fit"
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Frozen means frozen
#
# Here is a backbone whose weights were learnt on many pictures.

# %%
def backbone(seed):
    """Give a small network from pictures (B, 3, H, W) to features (B, 16)."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )

# %% [markdown]
# **Question 6.** Write the module `FrozenNetwork(seed, num_classes)` with the parts `body`, made by `backbone(seed)`, and
# `head`, a linear layer from 16 features to the classes. The body is frozen: its parameters get no gradient, and its
# batch norms keep their statistics *even while the network is in training mode*: `train()` must not reach them. Give it
# a method `trained()` that returns the names of the parameters that training changes.

# %% tags=["answer", "name:frozen_network"]
class FrozenNetwork(nn.Module):
    """A frozen body and a new head; `trained()` gives the names of what is trained."""

    ### BEGIN SOLUTION
    def __init__(self, seed, num_classes):
        super().__init__()
        self.body = backbone(seed).requires_grad_(False)
        self.head = nn.Linear(16, num_classes)
        self.train()

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, x):
        return self.head(self.body(x))

    def trained(self):
        return [name for name, parameter in self.named_parameters() if parameter.requires_grad]
    ### END SOLUTION

# %% tags=["test", "name:frozen_network-names", "points:2"]
network = FrozenNetwork(0, 5)
assert sorted(network.trained()) == ["head.bias", "head.weight"]
assert tuple(network(random_images(4, 3, 16, 16, seed=16)).shape) == (4, 5)
### BEGIN HIDDEN TESTS
want = backbone(3)(random_images(4, 3, 16, 16, seed=17)).shape[1]
assert tuple(FrozenNetwork(3, 7).state_dict()["head.weight"].shape) == (7, want)
### END HIDDEN TESTS

# %% tags=["test", "name:frozen_network-statistics", "points:4"]
network.train()
before = {name: value for name, value in network.state_dict().items() if name.startswith("body")}
network(5 + random_images(8, 3, 16, 16, seed=18))
after = network.state_dict()
assert all(torch.equal(after[name], value) for name, value in before.items()), "training mode changed the body's statistics"
### BEGIN HIDDEN TESTS
for _ in range(2):
    network.eval()
    network.train()
first = network(random_images(8, 3, 16, 16, seed=19))[:1]
alone = network(random_images(8, 3, 16, 16, seed=19)[:1])
torch.testing.assert_close(first, alone, rtol=1e-4, atol=1e-5)  # no statistics of the batch
### END HIDDEN TESTS

# %% [markdown]
# ## 7. In your own words

# %% [markdown] tags=["written", "name:add_or_concatenate", "points:5"]
# **Question 7.** A residual block adds, a dense block concatenates. What can the next layer know about the block's input
# in each case? What does concatenation cost as the network gets deeper, in weights and in memory during training, and
# what does RDNet do against it?
#
# ### BEGIN SOLUTION
# After an addition only the sum is there: what the block wrote over cannot be told from what was before. After a
# concatenation both are there. But the width grows with every block, so the weights of later layers grow with it
# (quadratically over the depth), and all the concatenated maps have to be kept for the backward pass. RDNet keeps the
# growth rate small, ties the expansion to the input width instead of the growth, and compresses by transition layers
# at the stage ends and within.
# ### END SOLUTION

# %% [markdown] tags=["written", "name:how_much_to_freeze", "points:5"]
# **Question 8.** You have 40 labelled pictures of each of five mushrooms, and a network pretrained on ImageNet. Freeze
# everything but the head, fine-tune everything, or something in between? Say what you would try first, what you would
# compare it with, and which observation would make you change your mind.
#
# ### BEGIN SOLUTION
# First the frozen body with a new head: it is fast (features are computed once) and cannot overfit much. Compare with
# fine-tuning everything at a small rate, on the same folds, several seeds, since 200 pictures make single numbers
# noisy. If the frozen body is clearly behind on validation while training is not perfect, its features do not fit:
# unfreeze the last stage, then more, with augmentation and a lower rate. If fine-tuning reaches 100 % in training and
# is behind in validation: freeze more.
# ### END SOLUTION
