"""``python -m naiad.cli`` is the ``naiad`` command."""

from naiad.cli.main import script

if __name__ == "__main__":
    script()
