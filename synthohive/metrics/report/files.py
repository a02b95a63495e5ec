"""Where a report is written, and what it may replace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Union

from synthohive._files import FileIdentity, check_replaceable

__all__ = ["GENERATOR", "check_report"]

GENERATOR = "SynthoHive"


def check_report(
    path: Union[str, os.PathLike[str]], if_exists: str, read: Iterable[FileIdentity] = ()
) -> tuple[Path, Path]:
    """Return where the HTML and the JSON of a report go, if they may.

    Parameters
    ----------
    path : str or path
        Of the page, with or without ``.html``; the JSON lies beside it.
    if_exists : {"fail", "replace"}
        Whether a report that is there may be replaced; another file never is.
    read : iterable of FileIdentity
        Files that the data came from.

    Raises
    ------
    ConnectorError
        A file is there that is no report, or may not be replaced.
    """
    page = Path(path)
    if page.suffix.lower() not in (".html", ".htm"):
        page = page.with_name(page.name + ".html")
    figures = page.with_suffix(".json")
    known = frozenset(read)
    mark = f'<meta name="generator" content="{GENERATOR}">'.encode()
    check_replaceable(page, lambda place: mark in place.read_bytes()[:1000], if_exists, known)
    mark_json = f'"generator": "{GENERATOR}"'.encode()
    check_replaceable(
        figures, lambda place: mark_json in place.read_bytes()[:1000], if_exists, known
    )
    return page, figures
