"""Where the dbt package lies for those who installed it by pip."""

from __future__ import annotations

from pathlib import Path

__all__ = ["package_path"]


def package_path() -> Path:
    """Return the folder of the dbt package, for ``packages: [{local: …}]`` in packages.yml.

    Examples
    --------
    >>> (package_path() / "macros" / "generic_tests" / "no_orphans.sql").is_file()
    True
    """
    here = Path(__file__).resolve().parent
    installed = here / "dbt_package"
    return installed if installed.is_dir() else here.parent
