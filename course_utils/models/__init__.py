"""Networks built from blocks, with the parameter names of torchvision or timm. Torch only.

What may be changed: a network is added as a file of its own and a line in `ours`. Others rely on: the
parameter names, by which published weights and those of earlier runs load; the operations, which the tests
hold equal to the reference's; and on `get_classifier` and `stage_names`, by which freezing and features find
their way. Nothing here imports the rest of the course but `files`, so that each file can be read and run
alone.
"""
