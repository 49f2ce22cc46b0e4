"""One thread for every library; imported before any of them.

Kernels that the environment forces on OpenBLAS are taken back: numpy then chooses for
this processor, as torch does.
"""

import os
import sys
from pathlib import Path


for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
os.environ["JAXTYPING_DISABLE"] = "1"  # contracts are not what is measured
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
