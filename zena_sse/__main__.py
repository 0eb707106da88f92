"""`python -m zena_sse` is `zena-sse`."""

from zena_sse.cli import main

if __name__ == "__main__":
    main()
