"""Exercises of `notebooks/08_transfer_resnet34` on transfer: what to train, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, same_shape, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_build_model(answer: Callable[..., Any]) -> None:
    import torch

    from course_utils.models.pretrained import LITE0, create_timm

    with torch.random.fork_rng():
        torch.manual_seed(0)
        published = create_timm(LITE0, pretrained=True).get_parameter("conv_stem.weight")
        images = torch.randn(2, 3, 64, 64)
        for pretrained, fine_tune, num_classes in ((True, True, 7), (True, False, 3), (False, True, 4)):
            called = f"build_model({pretrained}, {fine_tune}, {num_classes})"
            model = answer(pretrained, fine_tune, num_classes)
            same_type(model, torch.nn.Module, what=called)
            if not hasattr(model, "conv_stem"):
                raise Wrong(f"{called} gives a {type(model).__name__}; expected the network {LITE0}")
            with torch.inference_mode():
                same_shape(
                    model.eval()(images), (2, num_classes), what=f"the logits of two pictures of {called}"
                )
            if torch.equal(model.get_parameter("conv_stem.weight"), published) != pretrained:
                start = "random" if pretrained else "ImageNet's"
                raise Wrong(f"{called}: its first convolution is {start}, so `pretrained` was not heeded")
            _check_trained(model, images, called, fine_tune=fine_tune)
        try:
            answer(False, False, 3)
        except ValueError:
            return
        raise Wrong(
            "build_model(False, False, 3) is given without a word: a random backbone that nobody will ever "
            "train. An option that makes no sense is a ValueError"
        )


def _check_trained(model: Any, images: Any, called: str, *, fine_tune: bool) -> None:
    """Is the right part trained, and does the rest stand still in training mode too?"""
    import torch

    from course_utils.models.heads import classifier_of

    head, _ = classifier_of(model)
    wanted = {name for name, _ in model.named_parameters() if fine_tune or name.startswith(f"{head}.")}
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    if wanted - trained:
        late = "" if fine_tune else ". A head that is there before the freezing gets frozen with the rest"
        raise Wrong(
            f"{called}: {len(wanted - trained)} parameters are frozen that should be trained, such as "
            f"{min(wanted - trained)}{late}"
        )
    if trained - wanted:
        raise Wrong(
            f"{called}: {len(trained - wanted)} parameters outside the head are still trained, such as "
            f"{min(trained - wanted)}"
        )
    if fine_tune:
        return
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.train()
    with torch.no_grad():
        model(images)
    moved = [name for name, value in model.named_buffers() if not torch.equal(value, before[name])]
    if moved:
        raise Wrong(
            f"{called}: no weight is trained outside the head, but in training mode one batch moves the "
            f"running statistics ({len(moved)} buffers, such as {moved[0]}), so the backbone drifts all the "
            "same"
        )


build_model = Exercise(
    name="build_model",
    question=(
        "Write `build_model(pretrained, fine_tune, num_classes)` for `tf_efficientnet_lite0` "
        "(`create_timm` of `course_utils.models.pretrained` builds it). `fine_tune=True` trains "
        "everything, `False` the head alone: the rest has to stand still in training mode, too. One of "
        "the four combinations makes no sense: refuse it with a `ValueError`."
    ),
    verify=_verify_build_model,
    hint_text=(
        "`create_timm(LITE0, pretrained=..., num_classes=...)` gives the network with a new head, and "
        "`course_utils.models.freezing.freeze` holds everything else, batch norms included. What would be "
        "learned by a network whose backbone is random and frozen?"
    ),
    solution_source="""
        from course_utils.models.freezing import freeze
        from course_utils.models.pretrained import LITE0, create_timm

        def build_model(pretrained, fine_tune, num_classes):
            if not pretrained and not fine_tune:
                raise ValueError("pretrained=False with fine_tune=False freezes a random backbone")
            model = create_timm(LITE0, pretrained=pretrained, num_classes=num_classes)
            if not fine_tune:
                freeze(model)
            return model
    """,
    praise="The head fits, what is frozen stands still, and nonsense is refused.",
    wrong_answers={
        "that nobody will ever train": """
            from course_utils.models.freezing import freeze
            from course_utils.models.pretrained import create_timm

            def build_model(pretrained, fine_tune, num_classes):
                model = create_timm("tf_efficientnet_lite0", pretrained=pretrained, num_classes=num_classes)
                if not fine_tune:
                    freeze(model)
                return model
        """,
        "so the backbone drifts all the same": """
            import torch
            from course_utils.models.pretrained import create_timm

            def build_model(pretrained, fine_tune, num_classes):
                model = create_timm("tf_efficientnet_lite0", pretrained=pretrained)
                for parameter in model.parameters():
                    parameter.requires_grad = fine_tune
                model.classifier = torch.nn.Linear(1280, num_classes)
                return model
        """,
        "gets frozen with the rest": """
            from course_utils.models.pretrained import create_timm

            def build_model(pretrained, fine_tune, num_classes):
                model = create_timm("tf_efficientnet_lite0", pretrained=pretrained, num_classes=num_classes)
                for parameter in model.parameters():
                    parameter.requires_grad = fine_tune
                return model
        """,
        "outside the head are still trained": """
            from course_utils.models.pretrained import create_timm

            def build_model(pretrained, fine_tune, num_classes):
                return create_timm("tf_efficientnet_lite0", pretrained=pretrained, num_classes=num_classes)
        """,
        "has the shape (2, 1000), expected (2, 7)": """
            from course_utils.models.pretrained import create_timm

            def build_model(pretrained, fine_tune, num_classes):
                return create_timm("tf_efficientnet_lite0", pretrained=pretrained)
        """,
        "was not heeded": """
            from course_utils.models.pretrained import create_timm

            def build_model(pretrained, fine_tune, num_classes):
                return create_timm("tf_efficientnet_lite0", pretrained=False, num_classes=num_classes)
        """,
    },
    other_right_answers=[
        """
        from course_utils.models import factory

        def build_model(pretrained, fine_tune, num_classes):
            if not (pretrained or fine_tune):
                raise ValueError("train everything, or start from pretrained weights")
            part = "all" if fine_tune else "head"
            return factory.build_model("tf_efficientnet_lite0", pretrained=pretrained, fine_tune=part,
                                       num_classes=num_classes)
        """,
        """
        import torch
        from course_utils.models.pretrained import create_timm

        class FrozenBody(torch.nn.Module):
            def __init__(self, model, head):
                super().__init__()
                self.body, self.classifier = model, head
                self.conv_stem = model.conv_stem

            def get_classifier(self):
                return self.classifier

            def train(self, mode=True):
                super().train(mode)
                self.body.eval()
                return self

            def forward(self, images):
                return self.classifier(self.body(images))

        def build_model(pretrained, fine_tune, num_classes):
            if not pretrained and not fine_tune:
                raise ValueError("nothing to learn from")
            if fine_tune:
                return create_timm("tf_efficientnet_lite0", pretrained=pretrained, num_classes=num_classes)
            body = create_timm("tf_efficientnet_lite0", pretrained=True)
            body.classifier = torch.nn.Identity()
            body.requires_grad_(False)
            return FrozenBody(body, torch.nn.Linear(1280, num_classes))
        """,
    ],
)

_PRICES = [(480, 5, 33_000_000, 5_120), (100, 1, 1_000, 10), (64, 20, 400_000, 5_000)]
_WAYS = ("fine-tuned", "frozen", "features once")


def _price(way: str, num_pictures: int, epochs: int, body: int, head: int) -> int:
    if way == "fine-tuned":
        return 3 * (body + head) * num_pictures * epochs
    if way == "frozen":
        return (body + 3 * head) * num_pictures * epochs
    return body * num_pictures + 3 * head * num_pictures * epochs


def _verify_training_cost(answer: Callable[..., Any]) -> None:
    for way in _WAYS:
        for num_pictures, epochs, body, head in _PRICES:
            called = f"training_cost({way!r}, {num_pictures}, {epochs}, {body}, {head})"
            got = answer(way, num_pictures, epochs, body, head)
            same_type(got, float, what=called)
            want = _price(way, num_pictures, epochs, body, head)
            if math.isclose(got, want):
                continue
            if math.isclose(got, _price("fine-tuned", num_pictures, epochs, body, head)):
                raise Wrong(
                    f"{called} pays for a backward pass through the backbone; nothing is trained there, "
                    "so no gradient is needed"
                )
            if way == "features once" and math.isclose(
                got, _price("frozen", num_pictures, epochs, body, head)
            ):
                raise Wrong(
                    f"{called} sends the pictures through the backbone in every epoch; once is enough"
                )
            passes = (body + head) * num_pictures * epochs
            if got in (passes, body * num_pictures + head * num_pictures * epochs):
                raise Wrong(f"{called} leaves the backward pass out; it costs twice the forward pass")
            if math.isclose(got, want / num_pictures):
                raise Wrong(f"{called} is the cost of one picture; there are {num_pictures}")
            close(got, want, 1e-9, what=called)


training_cost = Exercise(
    name="training_cost",
    question=(
        "Write `training_cost(way, num_pictures, epochs, body, head)`: how many multiply-adds does "
        "training cost? `body` and `head` are those of one forward pass of one picture through backbone "
        "and head. A backward pass through a part costs twice its forward pass, and is only needed "
        "through what is trained. `way` is 'fine-tuned', 'frozen' (the pictures go through the frozen "
        "backbone in each epoch) or 'features once' (only the first time)."
    ),
    verify=_verify_training_cost,
    hint_text=(
        "What is trained costs three forward passes: one forward, two for the backward pass. What is "
        "frozen costs one. Write down for each way how often the backbone and the head are paid: for "
        "every picture in every epoch, or once for every picture."
    ),
    solution_source="""
        def training_cost(way, num_pictures, epochs, body, head):
            seen = num_pictures * epochs
            if way == "fine-tuned":
                return 3 * (body + head) * seen
            if way == "frozen":
                return (body + 3 * head) * seen
            return body * num_pictures + 3 * head * seen
    """,
    praise="With the features computed once, more epochs are nearly free.",
    wrong_answers={
        "no gradient is needed": """
            def training_cost(way, num_pictures, epochs, body, head):
                return 3 * (body + head) * num_pictures * epochs
        """,
        "once is enough": """
            def training_cost(way, num_pictures, epochs, body, head):
                passes = 3 if way == "fine-tuned" else 1
                return (passes * body + 3 * head) * num_pictures * epochs
        """,
        "leaves the backward pass out": """
            def training_cost(way, num_pictures, epochs, body, head):
                if way == "features once":
                    return body * num_pictures + head * num_pictures * epochs
                return (body + head) * num_pictures * epochs
        """,
        "is the cost of one picture": """
            def training_cost(way, num_pictures, epochs, body, head):
                if way == "features once":
                    return body + 3 * head * epochs
                return ((3 if way == "fine-tuned" else 1) * body + 3 * head) * epochs
        """,
    },
    other_right_answers=[
        """
        def training_cost(way, num_pictures, epochs, body, head):
            of_body = {"fine-tuned": 3 * epochs, "frozen": epochs, "features once": 1}[way]
            return num_pictures * (of_body * body + 3 * epochs * head)
        """,
        """
        def training_cost(way, num_pictures, epochs, body, head):
            total = 0.0
            for epoch in range(epochs):
                total += num_pictures * 3 * head
                if way == "fine-tuned":
                    total += num_pictures * 3 * body
                elif way == "frozen" or epoch == 0:
                    total += num_pictures * body
            return total
        """,
    ],
)
