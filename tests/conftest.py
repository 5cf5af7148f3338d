"""What all tests share: the reference runs on the CPU in full precision, examples repeat."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

# Read by JAX when a test first imports it.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

# Compiled modules are kept from one run to the next, apart from those of the user.
CACHE = Path(__file__).resolve().parents[1] / ".pytest_cache" / "slopec"
os.environ.setdefault("SLOPEC_CACHE_DIR", str(CACHE))

# A first example may compile or import, so no deadline; the same examples on every run, so that a
# failure seen once is seen again.
settings.register_profile(
    "slopec", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("slopec")
