"""Cross-entropy by hand, its gradient, smoothed targets: exercises of `notebooks/03_losses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, same_shape
from course_utils.checks.exercise import Exercise, Wrong

Answer = Callable[..., Any]


def _smoothed(smoothed_targets: Answer) -> None:
    import numpy as np
    import torch

    targets = torch.tensor([2, 0, 1])
    for num_classes, smoothing in ((3, 0.1), (5, 0.3), (4, 0.0)):
        got = smoothed_targets(targets.clone(), num_classes, smoothing)
        what = f"for {num_classes} classes and smoothing {smoothing}"
        same_shape(got, (3, num_classes), what=f"your result {what}")
        want = np.full((3, num_classes), smoothing / num_classes)
        want[np.arange(3), targets.numpy()] += 1 - smoothing
        table = np.asarray(got, dtype=float)
        if smoothing and np.allclose(table.max(axis=1), 1 - smoothing):
            spread = np.isclose(np.sort(table, axis=1)[:, 0], smoothing / (num_classes - 1)).all()
            if spread:
                raise Wrong(
                    f"{what} the right class gets {1 - smoothing:.3g}: you spread the share over the other "
                    "classes only. It is spread over all classes, the right one included"
                )
        if not np.allclose(table.sum(axis=1), 1):
            raise Wrong(f"{what} a row adds up to {table.sum(axis=1)[0]:.4g}, but a target is a distribution")
        close(table, want, 1e-5, what=f"your result {what}")


smoothed_targets = Exercise(
    name="smoothed_targets",
    question="Write `smoothed_targets(targets, num_classes, smoothing)`: from class indices (B,) make rows "
    "(B, num_classes) in which the share `smoothing` of each one-hot row is spread evenly over all classes.",
    verify=_smoothed,
    hint_text="Start from `F.one_hot(targets, num_classes)`. Shrink it by `1 - smoothing`, then add the same "
    "small number to every class, so that each row adds up to 1 again.",
    solution_source="""
        import torch.nn.functional as F


        def smoothed_targets(targets, num_classes, smoothing):
            one_hot = F.one_hot(targets, num_classes).float()
            return one_hot * (1 - smoothing) + smoothing / num_classes
    """,
    praise="the target of the right class is 1 - s + s / K, so with few classes smoothing is milder than it "
    "sounds.",
    wrong_answers={
        "the right one included": """
            import torch.nn.functional as F
            def smoothed_targets(targets, num_classes, smoothing):
                one_hot = F.one_hot(targets, num_classes).float()
                return one_hot * (1 - smoothing) + (1 - one_hot) * smoothing / (num_classes - 1)
        """,
        "a row adds up to": """
            import torch.nn.functional as F
            def smoothed_targets(targets, num_classes, smoothing):
                return F.one_hot(targets, num_classes).float() + smoothing / num_classes
        """,
        "has the shape (3,)": """
            def smoothed_targets(targets, num_classes, smoothing):
                return targets * (1 - smoothing) + smoothing / num_classes
        """,
    },
    other_right_answers=[
        """
        import torch
        def smoothed_targets(targets, num_classes, smoothing):
            rows = torch.full((len(targets), num_classes), smoothing / num_classes)
            rows[torch.arange(len(targets)), targets] += 1 - smoothing
            return rows
        """,
        """
        import numpy as np
        def smoothed_targets(targets, num_classes, smoothing):
            uniform = np.ones(num_classes) / num_classes
            return [(1 - smoothing) * np.eye(num_classes)[t] + smoothing * uniform for t in targets.tolist()]
        """,
    ],
)


def _stable(stable_cross_entropy: Answer) -> None:
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=generator) * 2
    targets = torch.tensor([3, 1, 0, 2, 2, 1])
    got = stable_cross_entropy(logits.clone(), targets.clone())
    wanted = F.cross_entropy(logits, targets)
    same_shape(got, (), what="your loss")
    if abs(float(got) - float(wanted) * 6) < 1e-4:
        raise Wrong("your loss is the sum over the pictures; take their mean")
    probabilities = logits.softmax(dim=1)
    if abs(float(got) - float(F.cross_entropy(probabilities, targets))) < 1e-5:
        raise Wrong("your loss is that of a softmax of a softmax: start from the logits themselves")
    close(got, wanted, 1e-5, what="your loss")
    for shift in (1000.0, -1000.0):
        moved = stable_cross_entropy(logits + shift, targets)
        what = f"your loss for the same logits {'plus' if shift > 0 else 'minus'} 1000"
        close(moved, wanted, 1e-3, what=what)
    far = torch.tensor([[500.0, 0.0], [0.0, 500.0]])
    close(stable_cross_entropy(far, torch.tensor([1, 1])), 250.0, 1e-5, what="your loss for logits 500 apart")


stable_cross_entropy = Exercise(
    name="stable_cross_entropy",
    question="Write `stable_cross_entropy(logits, targets)` without a softmax or a loss of the library: "
    "from logits (B, K) and class indices (B,) the mean cross-entropy. It has to survive logits of 1000 and "
    "-1000, and logits that lie 500 apart.",
    verify=_stable,
    hint_text="The loss of a row is `logsumexp(row) - row[target]`. Subtract the largest logit of the row "
    "first: then the largest exponent is 0, and never take the logarithm of a probability.",
    solution_source="""
        import torch


        def stable_cross_entropy(logits, targets):
            shifted = logits - logits.max(dim=1, keepdim=True).values
            log_sum = shifted.exp().sum(dim=1).log()
            right = shifted[torch.arange(len(targets)), targets]
            return (log_sum - right).mean()
    """,
    praise="a softmax followed by a logarithm is never needed: take both in one step.",
    wrong_answers={
        "holds NaN values": """
            import torch
            def stable_cross_entropy(logits, targets):
                p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
                return -p[torch.arange(len(targets)), targets].log().mean()
        """,
        "infinite values": """
            import torch
            def stable_cross_entropy(logits, targets):
                powers = (logits - logits.max(dim=1, keepdim=True).values).exp()
                p = powers / powers.sum(dim=1, keepdim=True)
                return -p[torch.arange(len(targets)), targets].log().mean()
        """,
        "take their mean": """
            import torch
            def stable_cross_entropy(logits, targets):
                rows = torch.arange(len(targets))
                return (torch.logsumexp(logits, 1) - logits[rows, targets]).sum()
        """,
        "a softmax of a softmax": """
            import torch
            def stable_cross_entropy(logits, targets):
                p = logits.softmax(dim=1)
                rows = torch.arange(len(targets))
                return (torch.logsumexp(p, 1) - p[rows, targets]).mean()
        """,
        "the sign is not": """
            import torch
            def stable_cross_entropy(logits, targets):
                rows = torch.arange(len(targets))
                return (logits[rows, targets] - torch.logsumexp(logits, 1)).mean()
        """,
    },
    other_right_answers=[
        """
        import torch
        def stable_cross_entropy(logits, targets):
            picked = logits.gather(1, targets[:, None])[:, 0]
            return torch.mean(torch.logsumexp(logits, dim=1) - picked)
        """,
        """
        import math
        def stable_cross_entropy(logits, targets):
            total = 0.0
            for row, target in zip(logits.tolist(), targets.tolist()):
                top = max(row)
                total += top + math.log(sum(math.exp(z - top) for z in row)) - row[target]
            return total / len(targets)
        """,
    ],
)


def _gradient(cross_entropy_gradient: Answer) -> None:
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(1)
    logits = (torch.randn(5, 3, generator=generator) * 2).requires_grad_(True)
    targets = torch.tensor([0, 2, 1, 1, 0])
    F.cross_entropy(logits, targets).backward()
    assert logits.grad is not None
    got = cross_entropy_gradient(logits.detach().clone(), targets.clone())
    same_shape(got, (5, 3), what="your gradient")
    table = torch.as_tensor(got).detach().float()
    if torch.allclose(table, logits.grad * 5, atol=1e-5):
        raise Wrong(
            "this is the gradient of the sum over the pictures; the loss is their mean, so divide by B"
        )
    if torch.allclose(table, logits.detach().softmax(dim=1) / 5, atol=1e-5):
        raise Wrong("these are the probabilities; what is taken off at the right class?")
    close(table, logits.grad, 1e-5, what="your gradient")


cross_entropy_gradient = Exercise(
    name="cross_entropy_gradient",
    question="Write `cross_entropy_gradient(logits, targets)` without autograd: the gradient (B, K) of the "
    "mean cross-entropy with respect to the logits.",
    verify=_gradient,
    hint_text="For one picture it is the probabilities minus the one-hot target. The mean over B pictures "
    "divides it by B.",
    solution_source="""
        import torch.nn.functional as F


        def cross_entropy_gradient(logits, targets):
            probabilities = logits.softmax(dim=1)
            one_hot = F.one_hot(targets, logits.shape[1])
            return (probabilities - one_hot) / len(targets)
    """,
    praise="every row adds up to zero: what one logit gains, the others lose.",
    wrong_answers={
        "so divide by B": """
            import torch.nn.functional as F
            def cross_entropy_gradient(logits, targets):
                return logits.softmax(dim=1) - F.one_hot(targets, logits.shape[1])
        """,
        "these are the probabilities": """
            def cross_entropy_gradient(logits, targets):
                return logits.softmax(dim=1) / len(targets)
        """,
        "the sign is not": """
            import torch.nn.functional as F
            def cross_entropy_gradient(logits, targets):
                return (F.one_hot(targets, logits.shape[1]) - logits.softmax(dim=1)) / len(targets)
        """,
    },
    other_right_answers=[
        """
        import torch
        def cross_entropy_gradient(logits, targets):
            gradient = torch.exp(logits - torch.logsumexp(logits, 1, keepdim=True))
            gradient[torch.arange(len(targets)), targets] -= 1
            return gradient / logits.shape[0]
        """,
        """
        import numpy as np
        def cross_entropy_gradient(logits, targets):
            powers = np.exp(logits.numpy())
            p = powers / powers.sum(axis=1, keepdims=True)
            return (p - np.eye(p.shape[1])[targets.numpy()]) / len(p)
        """,
    ],
)
