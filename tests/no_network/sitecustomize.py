"""Python imports this at its start when the folder is on PYTHONPATH: so a child process has no network either."""

import block_network

block_network.install()
