"""What all members' processes share, which are forked from one that has imported this once: each of them would need
three seconds for it."""

import accelerate
import torch._dynamo
import transformers.masking_utils
import transformers.modeling_layers

from pluglm.catalog import installed_catalog
from pluglm.lifecycle import assemble, finish, fit, run

__all__ = ["accelerate", "assemble", "finish", "fit", "run", "torch", "transformers"]

installed_catalog()
