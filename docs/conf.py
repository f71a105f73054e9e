"""How the site is built: `sphinx-build -W docs docs/_build`; the course runs while it is built."""

import os
import re
from importlib.metadata import version as version_of

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "foldwise"
author = "foldwise developers"
release = version_of("foldwise")
version = release

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py.md5", "examples/*.rst"]
root_doc = "index"

# The course: each page is run from its beginning, and an error in it is an error of the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache", "ref.python"]  # names of attributes are not unique, and need not be

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1000,
    "abort_on_example_error": True,
}

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
templates_path = ["_templates"]
default_role = "code"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "foldwise"
html_static_path = ["_static"]
html_css_files = ["foldwise.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": []}
html_theme_options = {
    "show_prev_next": True,
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}

_OWN = re.compile(r"(`[^`]*`)|([|*])|(?<=\w)_(?=[^\w])")


def _plain(app, what, name, obj, options, lines):
    """Docstrings are written for people: bars, stars and names that end in _ mean themselves."""
    for at, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[at] = _OWN.sub(lambda m: m[1] or "\\" + m[0], line)


def _skip(app, what, name, obj, skip, options):
    """What estimators have from scikit-learn is documented there."""
    return True if str(getattr(obj, "__module__", "")).startswith("sklearn") else None


def setup(app):
    """Connect both, the first before docstrings are read as NumPy's."""
    app.connect("autodoc-process-docstring", _plain, priority=100)
    app.connect("autodoc-skip-member", _skip)
