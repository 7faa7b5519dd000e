"""The training loop and what it is made of: losses, optimisers, schedules, checkpoints.

Read `loop` first, then `steps`. What may be changed: a loss, an optimiser or a schedule is added in the file
of that name and in `config_rules`, which says what goes together. Others rely on: the fields of
`config.TrainingConfig`, which stand in recipes and in `config.json`; the columns of metrics.csv; and on a run
that is resumed being the same to the last bit: chance comes from (seed, kind, epoch, index) alone, and a
change of what `last.pt` holds raises `checkpoint.FORMAT`.
"""
