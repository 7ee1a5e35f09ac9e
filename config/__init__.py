"""The composition root: settings, urls, processes, checks."""

import os

# Before anything imports numpy, which reads it once: a question's arithmetic is small, and helper
# threads that spin while they wait for the next one take the processor from those that serve.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
