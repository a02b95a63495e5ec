"""Sphinx's roles in docstrings, which Markdown does not know: links to what the page documents.

What is left of any markup is a warning, and so an error of ``make docs``.
"""

from __future__ import annotations

import logging
import re
from html import escape
from typing import Any

_ROLE = re.compile(r":(?:attr|class|exc|func|meth|mod):<code>(~?)([\w.]+)</code>")
_LEFT = re.compile(r":(?:attr|class|exc|func|meth|mod|ref):|<p>(?:!!!|```|\.\. )|title=&quot;")
_ANCHOR = re.compile(r'id="((?:dbt_)?synthohive[\w.]*)"')


log = logging.getLogger("mkdocs.hooks.roles")


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Turn roles into links, or into code where the page has no such entry."""
    anchors = sorted(set(_ANCHOR.findall(html)), key=len)

    def shown(role: re.Match[str]) -> str:
        short, target = role.groups()
        name = escape(target.rpartition(".")[2] if short else target)
        ends = (
            (target, target.rpartition(".")[2]) if target.startswith("synthohive.") else (target,)
        )
        for end in ends:
            for anchor in anchors:
                if f".{anchor}".endswith(f".{end}"):
                    return f'<a href="#{anchor}"><code>{name}</code></a>'
        return f"<code>{name}</code>"

    html = _ROLE.sub(shown, html)
    for left in sorted(set(_LEFT.findall(html))):
        log.warning("%s shows markup as text: %s", page.file.src_uri, left)
    return html
