"""Networks built from blocks, with the parameter names of torchvision or timm. Torch only."""
