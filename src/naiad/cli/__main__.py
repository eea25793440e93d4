"""``python -m naiad.cli``."""

from naiad.cli.main import script

if __name__ == "__main__":
    script()
