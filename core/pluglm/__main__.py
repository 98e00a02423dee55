"""`python -m pluglm`, which is also how launchers start it."""

from pluglm.cli import main

if __name__ == "__main__":
    main()
