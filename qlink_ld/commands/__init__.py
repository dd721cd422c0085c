"""Groups of commands that are too long for `cli.py`; it adds them to `qlink-ld`."""
