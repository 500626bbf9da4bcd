"""Installs glancetx; everything static about it is in pyproject.toml."""

from setuptools import find_namespace_packages, setup

setup(
    # An editable install of a flat layout hides twisted/plugins from twistd without this line.
    package_dir={"": "."},
    packages=[*find_namespace_packages(include=["glancetx", "glancetx.*"]), "twisted.plugins"],
)
