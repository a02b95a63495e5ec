"""What a stand-in for a warehouse lacks: named in a test that fails, until it does not."""

from __future__ import annotations

from typing import Union

import pytest

__all__ = ["LACKING", "notimpl"]

LACKING = "not in the stand-in: "
"""With which the reason begins, by which the table of engines and features finds it."""

Errors = Union[type[BaseException], tuple[type[BaseException], ...]]


def notimpl(reason: str, *, raises: Errors = AssertionError) -> pytest.MarkDecorator:
    """Mark a test that the engine would pass and its stand-in does not; passing is a failure.

    Parameters
    ----------
    reason : str
        What the stand-in lacks, and how it is tested instead.
    raises : type of exception, or several
        How it fails: any other failure is one of ours.
    """
    return pytest.mark.xfail(strict=True, raises=raises, reason=f"{LACKING}{reason}")
