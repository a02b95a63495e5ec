"""SynthoHive for dbt projects: profiles, manifests and properties files.

A dbt project knows its warehouse, its sources and their keys; with it a synthetic schema takes
one call, and the tests that watch over it another::

    import dbt_synthohive

    synth = dbt_synthohive.synthesizer_from_project("shop_dbt", select="raw")
    synth.fit(seed=42)
    synth.to_database(schema="raw_synthetic", seed=7)
    dbt_synthohive.write_properties(synth, "raw_synthetic", "shop_dbt/models/_raw_synthetic.yml")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt_synthohive.building import BuildResult, build
    from dbt_synthohive.connections import connection_url
    from dbt_synthohive.manifest import metadata_from_manifest
    from dbt_synthohive.package import package_path
    from dbt_synthohive.profiles import engine_from_profile, read_profile
    from dbt_synthohive.project import synthesizer_from_project
    from dbt_synthohive.properties import write_properties

__all__ = [
    "BuildResult",
    "build",
    "connection_url",
    "engine_from_profile",
    "metadata_from_manifest",
    "package_path",
    "read_profile",
    "synthesizer_from_project",
    "write_properties",
]

_HOME = {
    "BuildResult": "building",
    "build": "building",
    "connection_url": "connections",
    "engine_from_profile": "profiles",
    "metadata_from_manifest": "manifest",
    "package_path": "package",
    "read_profile": "profiles",
    "synthesizer_from_project": "project",
    "write_properties": "properties",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
