"""What all figures share: a colour-blind-safe palette, readable fonts, names that can be drawn, and alt text.

Palette: Okabe and Ito, "Color universal design" (2008), with brown for their yellow, which is too pale on
white. No colour carries a meaning alone: lines differ in dash and marker too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9", "#000000", "#8C6D1F")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES = ("", "//", "..", "xx")  # of bars that stand side by side

# Families with Chinese characters, and with one-colour emoji (matplotlib cannot draw colour emoji fonts). The
# first that is installed of each is enough, and each further one costs time in every text.
_CHINESE_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti SC",
    "Heiti TC",
    "STHeiti",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "SimSun",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Serif CJK SC",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
_EMOJI_FAMILIES = ("Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Symbola")
_INVISIBLE = {"\u200b", "\u200c", "\u200d", "\u2060", "\ufe0e", "\ufe0f", "\ufeff"}
_alt_texts: WeakKeyDictionary[Axes | Figure, str] = WeakKeyDictionary()


def styled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a plot function with the course's sizes and fonts; the reader's settings stay as they are."""

    @wraps(function)
    def with_style(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        settings: Any = {
            "font.family": list(font_families()),
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.labelsize": 11,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "legend.fontsize": 10,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.unicode_minus": True,
            "figure.facecolor": "white",
            "axes.facecolor": "white",
            "text.color": "black",
            "axes.labelcolor": "black",
            "axes.edgecolor": "black",
            "xtick.color": "black",
            "ytick.color": "black",
        }
        with plt.rc_context(settings):
            return function(*args, **kwargs)

    return with_style


def new_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """`ax` itself, or the axes of a new figure of `width` x `height` inches."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def add_legend(plot: Axes, handles: Sequence[Any], names: Sequence[str], *, outside: bool = False) -> None:
    """The legend: inside for up to ten names, else (or with `outside`) at the right, in columns that fit."""
    if len(names) <= 10 and not outside:
        plot.legend(handles, names)
        return
    rows = max(10, int(plot.get_figure(root=True).get_figheight() * 5.2))  # type: ignore[union-attr]
    columns = -(-len(names) // rows)
    plot.legend(
        handles,
        [_cut(name, 26 if columns == 1 else 14, keep_end=0 if columns == 1 else 7) for name in names],
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        ncols=columns,
        fontsize=10 if columns == 1 else 8,
        columnspacing=1.0,
        markerscale=1.3,
    )


def describe(target: Axes | Figure, text: str, *, title: str = "") -> None:
    """Attach alt text to axes or a figure, behind its `title` where it has one; a second call replaces it."""
    end = "" if title.endswith(("?", "!", ".")) else "."
    _alt_texts[target] = " ".join(f"{title + end if title else ''} {text}".split())


def alt_text(target: Axes | Figure | Iterable[Axes]) -> str:
    """The alt text of axes, or of a figure and all its axes in order; "" if none has any."""
    if isinstance(target, Axes):
        return _alt_texts.get(target, "")
    parts = [_alt_texts.get(target, "")] if isinstance(target, Figure) else []
    parts += [_alt_texts.get(ax, "") for ax in (target.axes if isinstance(target, Figure) else target)]
    return " ".join(dict.fromkeys(part for part in parts if part))


def number(value: float) -> str:
    """A number for a label or an alt text: four significant digits, no exponent where it can be avoided."""
    if value != value:
        return "not a number"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e7 else f"{value:.4g}"


@lru_cache(maxsize=1)
def font_families() -> tuple[str, ...]:
    """DejaVu Sans (comes with matplotlib), then one installed family for Chinese and one for emoji."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    found = [
        [name for name in group if name in installed][:1] for group in (_CHINESE_FAMILIES, _EMOJI_FAMILIES)
    ]
    return ("DejaVu Sans", *found[0], *found[1])


@lru_cache(maxsize=1)
def _drawable_characters() -> frozenset[int]:
    """Every code point that one of `font_families` has a glyph for."""
    known: set[int] = set()
    for family in font_families():
        path = font_manager.findfont(font_manager.FontProperties(family=[family]), fallback_to_default=True)
        known.update(font_manager.get_font(path).get_charmap())
    return frozenset(known)


def drawable(text: str, fallback: str = "") -> str:
    """`text` as matplotlib can draw it without empty boxes: characters no font has are left out.

    Line breaks become spaces, `$` is escaped (else it starts a formula). If no letter or digit is left of a
    text that had something in it, `fallback` is returned.
    """
    normal = unicodedata.normalize("NFC", " ".join(str(text).split()))
    known = _drawable_characters()
    kept = "".join(c for c in normal if c not in _INVISIBLE and ord(c) in known)
    kept = " ".join(kept.split())
    lost = len(kept) < len("".join(c for c in normal if c not in _INVISIBLE))
    if lost and not any(c.isalnum() for c in kept):
        kept = fallback
    return kept.replace("\\", "/").replace("$", r"\$")


def drawable_names(names: Sequence[object], *, max_length: int = 26) -> list[str]:
    """Class names for axis labels and legends: drawable, different from each other, cut with an ellipsis.

    A name of which no font draws a letter becomes "class 3" (its index); a name that would equal another one
    does too.
    """
    texts = [drawable(str(name), f"class {index}") for index, name in enumerate(names)]
    short = [_cut(text, max_length) for text in texts]
    if len(set(short)) < len(set(texts)):  # names that differ at the end only: cut the middle out
        short = [_cut(text, max_length, keep_end=max_length // 2) for text in texts]
    doubled = {text for text in short if short.count(text) > 1}
    named = [f"class {i}" if text in doubled or not text else text for i, text in enumerate(short)]
    return [
        f" {text}" if text.startswith("_") else text for text in named
    ]  # matplotlib hides "_..." in legends


def _cut(text: str, max_length: int, keep_end: int = 0) -> str:
    if len(text) <= max_length:
        return text
    end = text[len(text) - keep_end :]
    return text[: max_length - 1 - keep_end].rstrip() + "…" + end


def forget_fonts() -> None:
    """Look for fonts again, after one was installed in the running session."""
    font_families.cache_clear()
    _drawable_characters.cache_clear()
