"""Generated examples have no deadline: the machine that runs them may be busy with something else."""

from hypothesis import settings

settings.register_profile("capture", deadline=None)
settings.load_profile("capture")
