"""Exercises of notebook 07 on how a residual block adds its shortcut, and how it may start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close
from course_utils.checks.exercise import Exercise, Wrong


def _verify_add_shortcut(answer: Callable[..., Any]) -> None:
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 4, 6, 6, generator=generator)
    weight = torch.randn(4, 4, 3, 3, generator=generator) / 6

    def branch(x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, weight, padding=1)

    def halve(x: torch.Tensor) -> torch.Tensor:
        return x[:, :, ::2, ::2]

    def narrow_branch(x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, weight, padding=1, stride=2)

    def in_place_branch(x: torch.Tensor) -> torch.Tensor:
        return branch(nn.functional.relu(x, inplace=True))

    with torch.no_grad():
        want = torch.relu(branch(features) + features)
        given = features.clone()
        got = answer(given, branch)
        _compare_sum(got, want, branch(features), features)
        if not torch.equal(given, features):
            raise Wrong("your function changes the features that it was given; others may still need them")
        want = torch.relu(narrow_branch(features) + halve(features))
        close(answer(features.clone(), narrow_branch, halve), want, 1e-5, what="with a shortcut of stride 2")
        want = torch.relu(branch(torch.relu(features)) + features)
        got = answer(features.clone(), in_place_branch)
        if torch.allclose(got, torch.relu(branch(torch.relu(features)) + torch.relu(features)), atol=1e-5):
            raise Wrong(
                "with a branch whose first layer is `nn.ReLU(inplace=True)` the shortcut adds features that "
                "this layer has overwritten: give the branch a copy, or keep one"
            )
        close(got, want, 1e-5, what="with a branch that works in place")
    for what, odd in (("(2, 4, 1, 1)", (2, 4, 1, 1)), ("(2, 1, 6, 6)", (2, 1, 6, 6))):
        try:
            answer(features.clone(), lambda x, odd=odd: torch.zeros(odd))
        except ValueError:
            continue
        except Exception as error:
            kind = type(error).__name__
            raise Wrong(f"shapes that do not agree stop with {kind}; raise ValueError") from None
        raise Wrong(
            f"a branch that gives {what} is added to features of (2, 4, 6, 6) without a word: PyTorch "
            "repeats the missing places. Compare the shapes and raise ValueError"
        )


def _compare_sum(got: Any, want: Any, residual: Any, features: Any) -> None:
    """Name the usual mistakes in where the activation and the addition stand."""
    import torch

    if got is None:
        raise Wrong("your function gives None: does it `return` the sum?")
    causes = (
        (residual + features, "the ReLU after the addition is missing"),
        (torch.relu(residual) + features, "the ReLU comes after the addition, not before it"),
        (torch.relu(residual), "the shortcut is missing: that is the plain network"),
    )
    for wrong, cause in causes:
        if got.shape == wrong.shape and torch.allclose(got, wrong, atol=1e-5):
            raise Wrong(cause)
    close(got, want, 1e-5, what="add_shortcut(features, branch)")


add_shortcut = Exercise(
    name="add_shortcut",
    question=(
        "Write `add_shortcut(features, branch, shortcut=None)`: ReLU of the sum of `branch(features)` and "
        "`shortcut(features)`, or the features themselves where `shortcut` is None. Nothing may go wrong in "
        "silence: two shapes that differ are a `ValueError`, and a branch that works in place may not change "
        "what the shortcut adds."
    ),
    verify=_verify_add_shortcut,
    hint_text=(
        "Three lines and a check. What does `nn.ReLU(inplace=True)`, as first layer of the branch, leave of "
        "`features`? `Tensor.clone()` is cheap. And `zeros(2, 4, 1, 1) + features` is no error in PyTorch."
    ),
    solution_source="""
        import torch

        def add_shortcut(features, branch, shortcut=None):
            kept = features if shortcut is None else shortcut(features)
            residual = branch(features.clone())
            if residual.shape != kept.shape:
                raise ValueError(f"cannot add {tuple(residual.shape)} to {tuple(kept.shape)}")
            return torch.relu(residual + kept)
    """,
    praise="In torchvision's blocks the branch begins with a convolution, so in-place ReLUs do no harm.",
    wrong_answers={
        "after the addition, not before": """
            import torch
            def add_shortcut(features, branch, shortcut=None):
                return torch.relu(branch(features)) + (shortcut(features) if shortcut else features)
        """,
        "after the addition is missing": """
            def add_shortcut(features, branch, shortcut=None):
                return branch(features) + (shortcut(features) if shortcut else features)
        """,
        "has overwritten": """
            import torch
            def add_shortcut(features, branch, shortcut=None):
                residual = branch(features)
                kept = shortcut(features) if shortcut else features
                if residual.shape != kept.shape:
                    raise ValueError("shapes differ")
                return torch.relu(residual + kept)
        """,
        "without a word": """
            import torch
            def add_shortcut(features, branch, shortcut=None):
                kept = shortcut(features) if shortcut else features.clone()
                return torch.relu(branch(features) + kept)
        """,
        "that is the plain network": """
            import torch
            def add_shortcut(features, branch, shortcut=None):
                return torch.relu(branch(features))
        """,
        "changes the features": """
            import torch
            def add_shortcut(features, branch, shortcut=None):
                residual = branch(features)
                features += residual
                return torch.relu_(features)
        """,
    },
    other_right_answers=(
        """
        from torch import nn

        def add_shortcut(features, branch, shortcut=None):
            identity = features.clone()
            if shortcut is not None:
                identity = shortcut(identity)
            out = branch(features.clone())
            if tuple(out.shape) != tuple(identity.shape):
                raise ValueError("the shapes do not agree")
            return nn.ReLU()(out + identity)
        """,
        """
        import torch

        def add_shortcut(features, branch, shortcut=None):
            parts = [branch(features * 1), features if shortcut is None else shortcut(features)]
            if parts[0].size() != parts[1].size():
                raise ValueError(parts[0].size(), parts[1].size())
            return torch.stack(parts).sum(dim=0).clamp(min=0)
        """,
    ),
)


def _verify_start_as_identity(answer: Callable[..., Any]) -> None:
    import torch

    from course_utils.models.resnet import BasicBlock, Bottleneck

    for kind, channels, width in ((BasicBlock, 8, 8), (Bottleneck, 16, 4)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            block = kind(channels, width).train()
            features = torch.rand(4, channels, 5, 5)
            target = torch.rand(4, channels, 5, 5)
        names = [name for name, _ in block.named_parameters()]
        given = answer(block)
        block = block if given is None else given
        if [name for name, _ in block.named_parameters()] != names:
            raise Wrong(f"the {kind.__name__} has other parameters now; change values, not layers")
        output = block(features)
        if not torch.allclose(output, features, atol=1e-5):
            off = (output - features).abs().max().item()
            raise Wrong(
                f"a {kind.__name__} on features that are nowhere negative gives others, up to {off:.2f} off: "
                "its branch is not zero yet"
            )
        (output - target).square().sum().backward()
        frozen = [name for name, parameter in block.named_parameters() if not parameter.requires_grad]
        if frozen:
            raise Wrong(f"{frozen[0]} is frozen; the block should start as the identity, not stay it")
        if not any(
            parameter.grad is not None and parameter.grad.abs().max() > 0
            for name, parameter in block.named_parameters()
            if not name.endswith("bias")
        ):
            raise Wrong(
                f"the {kind.__name__} starts as the identity and stays it: no gradient reaches a weight, "
                "only a shift learns. Set to zero nothing but the very last factor of the branch"
            )
        convolutions = [p for p in block.parameters() if p.ndim == 4]
        if any(not p.abs().max() > 0 for p in convolutions):
            raise Wrong(
                "a convolution is all zeros. The batch norm behind it divides by a deviation of zero (plus "
                "1e-5), so its first gradient is some hundred times too large; there is a gentler place"
            )


start_as_identity = Exercise(
    name="start_as_identity",
    question=(
        "Write `start_as_identity(block)` for the library's `BasicBlock` and `Bottleneck` (without "
        "projection): change its values so that it passes features that are nowhere negative on unchanged, "
        "and can still learn."
    ),
    verify=_verify_start_as_identity,
    hint_text=(
        "relu(0 + features) is `features` if nothing is negative. The last layer of the branch is a batch "
        "norm: scale * normalised + shift. Its scale is called `weight`. Which of the block's batch norms is "
        "the last one?"
    ),
    solution_source="""
        from torch import nn

        def start_as_identity(block):
            norms = [layer for layer in block.children() if isinstance(layer, nn.BatchNorm2d)]
            nn.init.zeros_(norms[-1].weight)
            return block
    """,
    praise="Goyal et al. (arXiv 1706.02677) start ResNets so; torchvision calls it `zero_init_residual`.",
    wrong_answers={
        "no gradient reaches a weight": """
            from torch import nn
            def start_as_identity(block):
                for parameter in block.parameters():
                    nn.init.zeros_(parameter)
        """,
        "and stays it": """
            from torch import nn
            def start_as_identity(block):
                nn.init.zeros_(block.bn1.weight)
        """,
        "branch is not zero yet": """
            def start_as_identity(block):
                return block.eval()
        """,
        "the Bottleneck starts as the identity and stays it": """
            from torch import nn
            def start_as_identity(block):
                nn.init.zeros_(block.bn2.weight)
        """,
        "a convolution is all zeros": """
            from torch import nn
            def start_as_identity(block):
                nn.init.zeros_(getattr(block, "conv3", block.conv2).weight)
        """,
        "is frozen": """
            from torch import nn
            def start_as_identity(block):
                last = getattr(block, "bn3", block.bn2)
                nn.init.zeros_(last.weight)
                last.weight.requires_grad_(False)
        """,
    },
    other_right_answers=(
        """
        import torch

        def start_as_identity(block):
            with torch.no_grad():
                (block.bn3 if hasattr(block, "bn3") else block.bn2).weight.fill_(0.0)
        """,
        """
        def start_as_identity(block):
            last = max(name for name, _ in block.named_parameters() if name.startswith("bn"))
            dict(block.named_parameters())[last.replace("bias", "weight")].data.mul_(0)
            return block
        """,
    ),
)
