"""`python -m neural_ivp_cli`."""

from ._main import main

if __name__ == "__main__":
    raise SystemExit(main())
