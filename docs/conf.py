"""Sphinx configuration: no network, no foreign inventories, every warning is an error."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ageassure"
author = "The ageassure authors"
copyright = "The ageassure authors"
release = version = installed_version("ageassure")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "catalogue",
    "figures",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["substitution"]
myst_substitutions = {"release": release}
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Members", "params_style")]

html_theme = "furo"
html_title = f"ageassure {release}"
html_copy_source = False
html_show_sphinx = False
