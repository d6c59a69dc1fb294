"""The command line: builds the parts and connects them, but decides nothing.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tmcconsole.cli.arguments import UsageError, parse
from tmcconsole.cli.failure import CommandFailure, told
from tmcconsole.cli.streams import abandon_stdout, complain, mend_streams
from tmcconsole.config.problems import Unusable

INTERRUPTED = 130  # 128 + SIGINT, as shells do


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0 well, 1 failed, 2 wrong use, 3 something is not in sync or not healthy, 4 something could not
    be asked, 130 interrupted.
    """
    mend_streams()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        if arguments is None:
            return 0
        code = arguments.command(arguments)
        sys.stdout.flush()
    except UsageError as error:
        complain(error)
        return 2
    except CommandFailure as error:
        complain(error)
        return error.code
    except Unusable as error:
        complain(f"tmc-console: {error}; {error.fix}")
        return 1
    except BrokenPipeError:  # the reader, such as head(1), closed the pipe
        abandon_stdout()
        return 1
    except OSError as error:  # a full disk, or a stream that is closed
        abandon_stdout()
        complain(f"tmc-console: {told(error)}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code
