"""A command as a user types it, in this process: exit code, what it printed, what it said on standard error."""

import io
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest.mock import patch

from streams.cli.app import main


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def payweir(*words: object, environment: Mapping[str, str] | None = None) -> Said:
    """Run ``payweir words``; an error that the command line does not turn into a line of its own comes out here."""
    out, err = io.StringIO(), io.StringIO()
    variables = {"COLUMNS": "300", **(environment or {})}
    with (
        patch.object(sys, "argv", ["payweir", *map(str, words)]),
        patch.dict("os.environ", variables),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = 0
        try:
            main()
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
    return Said(code, out.getvalue(), err.getvalue())
