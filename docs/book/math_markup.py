"""Formulas as MathML, which browsers draw themselves; the usual way would fetch a script from elsewhere."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert


def setup(app: Any) -> dict[str, Any]:
    """Register the way in which formulas are written; called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(convert(node.astext(), display="inline"))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    # The box of its own scrolls where a formula is wider than a telephone.
    markup = convert(node.astext(), display="block")
    translator.body.append(
        f'<div class="formula" tabindex="0" style="overflow: auto hidden; padding: 0.2em 0">{markup}</div>\n'
    )
    raise nodes.SkipNode
