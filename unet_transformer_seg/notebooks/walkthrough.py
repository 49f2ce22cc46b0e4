# %% [markdown]
# # x
# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch


sys.path.insert(0, str(Path.cwd().parent))  # Jupyter starts in notebooks/
sys.path.insert(0, str(Path.cwd()))  # Python in the folder above

from src.models.unet import UNet


# %matplotlib inline

# %%
UNet(3, 3)
torch.ones(3)
plt.plot([1, 2])
plt.show()
plt.plot([1, 2])
plt.show()
plt.plot([1, 2])
plt.show()
