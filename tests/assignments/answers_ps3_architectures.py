"""Three other right answers for each coding question of ps3_architectures, as students might write them."""

ANSWERS = {
    "receptive_field": [
        """
def receptive_field(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field
""",
        """
import math

def receptive_field(layers):
    return 1 + sum((kernel - 1) * math.prod(stride for _, stride in layers[:i]) for i, (kernel, _) in enumerate(layers))
""",
        """
def receptive_field(layers):
    if not layers:
        return 1
    kernel, stride = layers[0]
    return kernel + stride * (receptive_field(layers[1:]) - 1)
""",
    ],
    "residual_block": [
        """
class ResidualBlock(BasicBlock):
    def __init__(self, in_channels, out_channels, stride):
        shortcut = None
        if stride != 1 or in_channels != out_channels:
            shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))
        super().__init__(in_channels, out_channels, stride, shortcut)
""",
        """
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(out_channels), nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        if in_channels == out_channels and stride == 1:
            self.downsample = nn.Identity()
        else:
            self.downsample = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.downsample(x)
        return self.relu(out)
""",
        """
def conv(a, b, k, s):
    return nn.Conv2d(a, b, k, s, k // 2, bias=False)

class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        nn.Module.__init__(self)
        self.add_module("conv1", conv(in_channels, out_channels, 3, stride))
        self.add_module("bn1", nn.BatchNorm2d(out_channels))
        self.add_module("conv2", conv(out_channels, out_channels, 3, 1))
        self.add_module("bn2", nn.BatchNorm2d(out_channels))
        self.fits = (in_channels, 1) == (out_channels, stride)
        if not self.fits:
            self.downsample = nn.Sequential(conv(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels))

    def forward(self, x):
        residual = nn.Sequential(self.conv1, self.bn1, nn.ReLU(), self.conv2, self.bn2)(x)
        return torch.clamp(residual + (x if self.fits else self.downsample(x)), min=0)
""",
    ],
    "growing_block": [
        """
class GrowingBlock(nn.Module):
    def __init__(self, in_channels, growth, expansion):
        super().__init__()
        width = expansion * in_channels
        self.spatial = nn.Conv2d(in_channels, in_channels, kernel_size=7, padding="same", groups=in_channels)
        self.norm = nn.BatchNorm2d(in_channels)
        self.expand, self.act, self.shrink = nn.Conv2d(in_channels, width, 1), nn.GELU(), nn.Conv2d(width, growth, 1)

    def forward(self, x):
        return torch.cat((x, self.shrink(self.act(self.expand(self.norm(self.spatial(x)))))), 1)
""",
        """
class GrowingBlock(nn.Sequential):
    def __init__(self, in_channels, growth, expansion):
        super().__init__()
        self.spatial = nn.Conv2d(in_channels, in_channels, 7, 1, 3, 1, in_channels)
        self.norm = nn.BatchNorm2d(in_channels)
        self.expand = nn.Conv2d(in_channels, in_channels * expansion, 1)
        self.gelu = nn.GELU()
        self.shrink = nn.Conv2d(in_channels * expansion, growth, 1)

    def forward(self, x):
        return torch.concatenate([x, super().forward(x)], dim=1)
""",
        """
class GrowingBlock(nn.Module):
    def __init__(self, in_channels, growth, expansion):
        super().__init__()
        self.kept, self.growth = in_channels, growth
        self.spatial = nn.Conv2d(in_channels, in_channels, 7, padding=3, groups=in_channels)
        self.norm = nn.BatchNorm2d(in_channels)
        self.expand = nn.Conv2d(in_channels, expansion * in_channels, 1)
        self.shrink = nn.Conv2d(expansion * in_channels, growth, 1)

    def forward(self, x):
        out = x.new_empty(x.shape[0], self.kept + self.growth, *x.shape[2:])
        out[:, : self.kept] = x
        out[:, self.kept :] = self.shrink(nn.functional.gelu(self.expand(self.norm(self.spatial(x)))))
        return out
""",
    ],
    "squeeze_excite": [
        """
class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(channels, reduced, 1), nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        return x * nn.Hardsigmoid()(self.fc2(torch.relu(self.fc1(self.pool(x)))))
""",
        """
class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, reduced, kernel_size=1)
        self.fc2 = nn.Conv2d(reduced, channels, kernel_size=1)

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, (1, 1))
        s = self.fc2(F.relu(self.fc1(s)))
        return torch.clamp(s / 6 + 0.5, 0, 1) * x
""",
        """
class SqueezeExcite(SqueezeExcitation):
    def __init__(self, channels, reduced):
        super().__init__(channels, reduced, scale_activation=nn.Hardsigmoid)
""",
    ],
    "match_weights": [
        """
def match_weights(wanted, given, prefix):
    names = {name: name[len(prefix):] if name.startswith(prefix) else name for name in given}
    fits = [n for n, own in names.items() if own in wanted and tuple(wanted[own].shape) == tuple(given[n].shape)]
    taken = {names[n]: given[n] for n in fits}
    return taken, sorted(n for n in given if n not in fits), sorted(n for n in wanted if n not in taken)
""",
        """
import re

def match_weights(wanted, given, prefix):
    missing, unused, taken = set(wanted), [], {}
    for key in sorted(given):
        own = re.sub("^" + re.escape(prefix), "", key)
        if own in missing and given[key].shape == wanted[own].shape:
            taken[own] = given[key].clone()
            missing.remove(own)
        else:
            unused.append(key)
    return [taken, unused, sorted(missing)]
""",
        """
def match_weights(wanted, given, prefix):
    stripped = {}
    for name in given:
        stripped[name.replace(prefix, "", 1) if prefix and name.startswith(prefix) else name] = name
    taken = {own: given[name] for own, name in stripped.items() if own in wanted and wanted[own].size() == given[name].size()}
    used = {stripped[own] for own in taken}
    return taken, sorted(set(given) - used), sorted(wanted.keys() - taken.keys())
""",
    ],
    "frozen_network": [
        """
class FrozenNetwork(nn.Module):
    def __init__(self, seed, num_classes):
        super().__init__()
        self.body, self.head = backbone(seed), nn.Linear(16, num_classes)
        for parameter in self.body.parameters():
            parameter.requires_grad = False

    def forward(self, x):
        self.body.eval()
        with torch.no_grad():
            features = self.body(x)
        return self.head(features)

    def trained(self):
        return sorted(n for n, p in self.named_parameters() if p.requires_grad)
""",
        """
class FrozenNetwork(nn.Module):
    def __init__(self, seed, num_classes):
        super().__init__()
        self.body = backbone(seed)
        self.head = nn.Linear(16, num_classes)
        self.body.requires_grad_(False)
        for layer in self.body:
            layer.train = lambda mode=True, layer=layer: layer
            layer.training = False

    def forward(self, x):
        return self.head(self.body(x))

    def trained(self):
        return ["head." + name for name, _ in self.head.named_parameters()]
""",
        """
class FrozenNetwork(nn.Module):
    def __init__(self, seed, num_classes):
        super().__init__()
        self.body = backbone(seed)
        self.head = nn.Linear(16, num_classes)
        [p.requires_grad_(False) for p in self.body.parameters()]
        self.train(True)

    def train(self, mode=True):
        self.training = mode
        self.head.train(mode)
        self.body.train(False)
        return self

    def forward(self, x):
        return self.head(self.body(x).detach())

    def trained(self):
        return [n for n, p in self.named_parameters() if p.requires_grad]
""",
    ],
}
