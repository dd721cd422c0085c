"""`python -m qlink_ld` is the command `qlink-ld`."""

from qlink_ld.cli import main

if __name__ == "__main__":
    main()
