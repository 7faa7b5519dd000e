"""Exercises of notebook 09 on what a batch norm keeps: running averages in a short run, and when frozen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_momentum_for_run(answer: Callable[..., Any]) -> None:
    for num_steps, share_left in ((100, 0.01), (1, 0.25), (20, 0.3)):
        got = answer(num_steps, share_left)
        what = f"momentum_for_run({num_steps}, {share_left})"
        same_type(got, float, what=what)
        want = 1 - share_left ** (1 / num_steps)
        if math.isclose(got, want):
            continue
        if math.isclose(got, 1 - want):
            raise Wrong(f"{what} is {got:.6g}: that is what a step keeps; the momentum is what it replaces")
        if math.isclose(got, 1 / num_steps):
            raise Wrong(
                f"{what} is 1 / num_steps. A good rule of thumb, but it leaves "
                f"{(1 - got) ** num_steps:.3g} of the start, not {share_left}"
            )
        if math.isclose(got, -math.log(share_left) / num_steps):
            raise Wrong(f"{what} is -log(share_left) / num_steps: close for long runs, but not exact")
        if 0 < got < 1 and math.isclose((1 - got) ** num_steps, 1 - share_left):
            raise Wrong(f"{what} is {got:.6g}: it replaces that share; exactly that share should be left")
        close(got, want, 1e-9, what=what)


momentum_for_run = Exercise(
    name="momentum_for_run",
    question=(
        "Write `momentum_for_run(num_steps, share_left)`: the batch norm momentum with which, after "
        "`num_steps` steps, exactly the share `share_left` of the running average is still the initial value."
    ),
    verify=_verify_momentum_for_run,
    hint_text=(
        "Each step keeps the factor (1 - momentum). Write down what is kept after `num_steps` steps, set it "
        "equal to `share_left`, and solve for the momentum."
    ),
    solution_source="""
        def momentum_for_run(num_steps, share_left):
            return 1 - share_left ** (1 / num_steps)
    """,
    praise="For long runs this is nearly log(1 / share_left) / num_steps.",
    wrong_answers={
        "rule of thumb": "def momentum_for_run(num_steps, share_left):\n    return 1 / num_steps",
        "that is what a step keeps": """
            def momentum_for_run(num_steps, share_left):
                return share_left ** (1 / num_steps)
        """,
        "close for long runs": """
            import math

            def momentum_for_run(num_steps, share_left):
                return -math.log(share_left) / num_steps
        """,
        "it replaces that share": """
            def momentum_for_run(num_steps, share_left):
                return 1 - (1 - share_left) ** (1 / num_steps)
        """,
    },
    other_right_answers=(
        """
        import math

        def momentum_for_run(num_steps, share_left):
            return -math.expm1(math.log(share_left) / num_steps)
        """,
        """
        def momentum_for_run(num_steps, share_left):
            low, high = 0.0, 1.0
            for _ in range(200):
                middle = (low + high) / 2
                if (1 - middle) ** num_steps > share_left:
                    low = middle
                else:
                    high = middle
            return high
        """,
    ),
)


def _verify_freeze_backbone(answer: Callable[..., Any]) -> None:
    import torch

    from course_utils.models.mobilenet_v3 import MobileNetV3, mobilenet_v3_small

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = mobilenet_v3_small(num_classes=3, in_channels=1, width_factor=0.25)
        images = torch.randn(4, 1, 32, 32) + 1.0
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        given = answer(model)
        if isinstance(given, MobileNetV3):
            model = given
        trained = {name for name, p in model.named_parameters() if p.requires_grad}
        head = {"classifier.3.weight", "classifier.3.bias"}
        if not head <= trained:
            raise Wrong("the head, `model.classifier[-1]`, is frozen too: then nothing is trained at all")
        if trained - head:
            first, more = min(trained - head), len(trained - head) - 1
            raise Wrong(f"{first} and {more} other parameters outside the head are still trained")
        model.train()
        model(images)
        after = model.state_dict()
        drifted = [
            name
            for name, tensor in before.items()
            if name.endswith(("running_mean", "running_var")) and not torch.equal(tensor, after[name])
        ]
        if drifted:
            raise Wrong(
                "no weight moves, but after `model.train()` and one batch the running statistics did: "
                f"{drifted[0]} and {len(drifted) - 1} others"
            )
        with torch.no_grad():
            in_training = model.features(images)
            in_evaluation = model.eval().features(images)
    if not torch.allclose(in_training, in_evaluation, atol=1e-6):
        raise Wrong(
            "the running statistics stay, but in training mode a batch norm still normalises with the "
            "batch's own statistics, so the features of a picture depend on its neighbours"
        )


freeze_backbone = Exercise(
    name="freeze_backbone",
    question=(
        "Write `freeze_backbone(model)`: after it, only the last linear layer `model.classifier[-1]` of a "
        "MobileNetV3 is trained, and the backbone computes the same as before, whatever `model.train()` says."
    ),
    verify=_verify_freeze_backbone,
    hint_text=(
        "Two things change in training: weights (look at `requires_grad_`) and batch norms, which use and "
        "update statistics unless they are in evaluation mode. The next `model.train()` must not undo that: "
        "it calls the method `train` of every module, and an instance may be given another one."
    ),
    solution_source="""
        from torch import nn

        def freeze_backbone(model):
            model.requires_grad_(False)
            model.classifier[-1].requires_grad_(True)
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
                    module.train = lambda mode=True: None  # model.train() calls this, and nothing happens
            return model
    """,
    praise="`course_utils.models.freezing` does this, can undo it, and survives copying and pickling.",
    wrong_answers={
        "the running statistics did": """
            def freeze_backbone(model):
                model.requires_grad_(False)
                model.classifier[-1].requires_grad_(True)
        """,
        "nothing is trained": """
            def freeze_backbone(model):
                model.requires_grad_(False)
                model.eval()
        """,
        "features.0.1.running_mean": """
            from torch import nn

            def freeze_backbone(model):
                model.requires_grad_(False)
                model.classifier[-1].requires_grad_(True)
                for module in model.modules():
                    if isinstance(module, nn.BatchNorm2d):
                        module.eval()
        """,
        "depend on its neighbours": """
            from torch import nn

            def freeze_backbone(model):
                model.requires_grad_(False)
                model.classifier[-1].requires_grad_(True)
                for module in model.modules():
                    if isinstance(module, nn.BatchNorm2d):
                        module.momentum = 0.0
        """,
        "outside the head": """
            def freeze_backbone(model):
                model.features.requires_grad_(False)
        """,
    },
    other_right_answers=(
        """
        from course_utils.models.freezing import freeze

        def freeze_backbone(model):
            freeze(model)
        """,
        """
        def freeze_backbone(model):
            for name, parameter in model.named_parameters():
                parameter.requires_grad = name.startswith("classifier.3")
            backbone = model.features
            backbone.eval()
            backbone.train = lambda mode=True: backbone
            return model
        """,
    ),
)
