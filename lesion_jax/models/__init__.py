"""Networks: plain flax linen modules; no losses, no optimizers, no config objects."""
