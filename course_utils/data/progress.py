"""A progress bar, or nothing at all: the bar's library is only imported when one is shown."""

from typing import Any


class _Silent:
    def __enter__(self) -> "_Silent":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, _number: int = 1) -> None:
        return None


def progress_bar(total: int, description: str, *, shown: bool, unit: str = "picture") -> Any:
    """Give a context manager with `update(number)`: a tqdm bar (in a notebook a widget) or a silent one."""
    if not shown:
        return _Silent()
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=description, unit=unit, unit_scale=unit == "B")
