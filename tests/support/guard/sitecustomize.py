"""Python runs this at every start with this folder on PYTHONPATH: so child processes of tests are guarded too."""

import network_guard

network_guard.install(log=True)
