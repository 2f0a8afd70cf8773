"""`python -m foretype` is the command `foretype`."""

from foretype.cli import main

if __name__ == "__main__":
    main()
