"""The command line: builds the parts and connects them, but decides nothing.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tmcconsole.cli.arguments import UsageError, parse
from tmcconsole.cli.failure import CommandFailure

INTERRUPTED = 130  # 128 + SIGINT, as shells do


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0 well, 1 failed, 2 wrong use, 3 something is not in sync or not healthy, 4 something could not
    be asked, 130 interrupted.
    """
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        if arguments is None:
            return 0
        code = arguments.command(arguments)
        sys.stdout.flush()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except CommandFailure as error:
        print(error, file=sys.stderr)
        return error.code
    except BrokenPipeError:  # the reader, such as head(1), closed the pipe
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code
