"""`spaces`, and `python -m bot`: runs a command and turns every failure into a sentence and an exit code."""

import os
import sys

DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 130


def main() -> None:
    """Run the command line; never shows a traceback unless SPACES_DEBUG is set.

    Exit codes: 0 done; 1 failed, or done in part (the messages say what); 2 the command line or the configuration
    is wrong; 130 stopped with Ctrl-C.
    """
    sys.exit(_run())


def _run() -> int:
    from bot.cli import app  # noqa: PLC0415 - so that a failing import is said in words too

    try:
        code = app(standalone_mode=True)
    except SystemExit as exit_:
        return _code(exit_)
    except KeyboardInterrupt:
        return _say("Stopped. What was saved stays; run the same command again to go on.", STOPPED)
    except BrokenPipeError:
        # Whoever read our output has enough; Python must not complain while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # the last place where a failure can still become a sentence
        if os.environ.get("SPACES_DEBUG"):
            raise
        return _fail(error)
    return int(code or DONE)


def _code(exit_: SystemExit) -> int:
    match exit_.code:
        case None:
            return DONE
        case int(code):
            return code
        case words:
            return _say(str(words), FAILED)


def _fail(error: Exception) -> int:
    from bot.mistakes import ConfigError  # noqa: PLC0415 - see above
    from connectors.errors import Misconfigured  # noqa: PLC0415
    from storage.accounts import AccountError  # noqa: PLC0415
    from storage.database import DatabaseError  # noqa: PLC0415

    match error:
        case ConfigError() | Misconfigured() | AccountError():
            return _say(str(error), USAGE)
        case DatabaseError():
            return _say(str(error), FAILED)
        case OSError():
            name = f"{error.filename}: " if error.filename else ""
            return _say(
                f"{name}{error.strerror or error}. Check the path, the rights and the free space.", FAILED
            )
        case _:
            return _say(
                f"Something went wrong that should not ({type(error).__name__}: {error}). Please report it; "
                "SPACES_DEBUG=1 in the environment shows where it happened.",
                FAILED,
            )


def _say(words: str, code: int) -> int:
    sys.stderr.write(words + "\n")
    return code


if __name__ == "__main__":
    main()
