"""The errors a user can cause. Each message is one sentence: what, where, what to do.

The command line prints the message alone and exits with the class's `exit_status`;
anything else that is raised is a defect of ours and keeps its traceback.
"""


class LesionJaxError(Exception):
    """Base of everything that is raised for bad input rather than for a defect."""

    exit_status = 2


class ConfigError(LesionJaxError):
    """A setting that is unknown, of the wrong type, or contradicts another one."""


class DataError(LesionJaxError):
    """An input file that is missing, unreadable or says something impossible."""


class FoldError(LesionJaxError):
    """A partition that cannot be made, or one that differs from a run's own."""


class BankError(LesionJaxError):
    """A synthetic bank that is unreadable or must not be used for this fold."""


class RunError(LesionJaxError):
    """A run directory that cannot be written, or that belongs to another run."""


class LockedError(RunError):
    """A run directory that another process is writing."""


class DamagedError(RunError):
    """A checkpoint that is not what was written; an older one may be whole."""


class DivergedError(LesionJaxError):
    """Training produced a value that is not finite; the message names the step."""

    exit_status = 3


class Preempted(BaseException):
    """The process was asked to end (SIGTERM, SIGUSR1, Ctrl-C); nothing is lost, the same command carries on.

    Not an Exception: like KeyboardInterrupt it must not be taken for the failure of whatever it interrupts.
    """

    # EX_TEMPFAIL of sysexits.h: "try again".
    exit_status = 75

    def __init__(self, message: str, exit_status: int = exit_status):
        """Takes the sentence, and another exit status where one is usual."""
        super().__init__(message)
        self.exit_status = exit_status
