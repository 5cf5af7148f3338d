"""The version of slopec and of the IREE it was built against."""

from importlib.metadata import version

VERSION = "0.1.0"
IREE_VERSION = version("iree-base-compiler")
