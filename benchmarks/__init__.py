"""What is measured, and how.

A package, as the wheel of Opacus brings one of this name, which Python would take before a folder
without this file.
"""
