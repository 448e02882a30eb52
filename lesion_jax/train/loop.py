"""The one loop: trainings in slots, steps taken ahead of the host, and what is due at a step.

An executor takes the steps (`executor`), a recorder keeps what comes of them (`recorder`). The host hands out calls and
reads metrics late: the devices are always busy with the next call.
"""

import collections
import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from lesion_jax.errors import DivergedError
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import preemption, processes
from lesion_jax.train.executor import Executor, Pending
from lesion_jax.train.recorder import Recorder

# [(position of a training, steps taken, score)] of those that were scored at once -> {position: why it ends here}. The
# score of a generator that has collapsed is -inf.
StopRule = Callable[[list[tuple[int, int, float]]], dict[int, str]]

# Calls that are under way while the host waits for none: as many as a device works off in so many seconds.
_AHEAD_SECONDS = 0.25
_MOST_AHEAD = 64


class _Slot:
    """A training under way: its position among all, and the steps that have been handed out."""

    def __init__(self, position: int, recorder: Recorder, done: int):
        self.position, self.recorder, self.done = position, recorder, done

    @property
    def total(self) -> int:
        return self.recorder.training.periods.total

    @property
    def next_visit(self) -> int:
        return self.recorder.training.periods.next_visit(self.done)


def run_loop(
    recorders: Sequence[Recorder],
    executor: Executor,
    progress: Progress,
    *,
    stop_rule: StopRule | None = None,
) -> dict[int, DivergedError]:
    """Trains every training to its end; a slot that becomes free is taken by the next that waits.

    Args:
      recorders: Open recorders of the trainings; they are closed as the trainings end.
      executor: Executor with slots for as many of them as are trained at once; freshly made.
      progress: Shows the steps of all of them together.
      stop_rule: Called with the scores of each evaluation, and with restored ones; None lets every training go on to
        its end.

    Returns:
      The trainings that diverged, by position: each is left where it was last saved, marked as failed. No checkpoint is
      written at or after the step that the error names.

    Raises:
      Preempted: The process was asked to end; every training has been saved.
      RunError: The disk does not take what is written.
    """
    return _Loop(recorders, executor, progress, stop_rule).run()


class _Loop:
    def __init__(
        self, recorders: Sequence[Recorder], executor: Executor, progress: Progress, stop_rule: StopRule | None
    ):
        self.failed: dict[int, DivergedError] = {}
        self._recorders, self._executor, self._stop_rule = recorders, executor, stop_rule
        self._waiting = collections.deque(range(len(recorders)))
        self._slots: list[_Slot | None] = [None] * executor.num_slots
        # Calls that have not been read: ([(slot, training in it, its steps after the call, steps of the call)], what to
        # read).
        self._ahead: collections.deque[tuple[list[tuple[int, _Slot, int, int]], Pending]] = collections.deque()
        self._pace = _Pace()
        self._progress = progress
        # Steps of each training that are recorded, of all together, and of all when they were last shown.
        self._done, self._num_done, self._shown = [0] * len(recorders), 0, -1

    def run(self) -> dict[int, DivergedError]:
        entered = [self._enter() for _ in self._slots]
        if not any(entered):
            return self.failed
        self._slots = [found[0] if found else None for found in entered]
        self._executor.fill([(found[0].recorder.training, found[1]) if found else None for found in entered])
        del entered
        # A training may have been interrupted between its score and its end.
        self._apply_stop_rule([slot for slot in self._slots if slot])
        with preemption.deferred():
            while self._refill():
                self._take_steps()
        return self.failed

    def _enter(self):
        """The next training that has steps left, and its state."""
        while self._waiting:
            position = self._waiting.popleft()
            recorder = self._recorders[position]
            state = recorder.start()
            if processes.count() > 1:
                state = processes.from_first(state)
            slot = _Slot(position, recorder, int(state.step))
            self._count(position, slot.done)
            # What an earlier process did.
            self._progress.skip(slot.done)
            if slot.done < slot.total:
                return slot, state
            self._end(slot)
        return None

    def _refill(self) -> bool:
        """Gives free slots to those that wait; whether anything is left to train."""
        for at in range(len(self._slots)):
            while self._slots[at] is None and (found := self._enter()):
                slot, state = found
                if not self._stopped([slot]):
                    self._slots[at] = slot
                    self._executor.put(at, (slot.recorder.training, state))
        return any(self._slots)

    def _take_steps(self) -> None:
        """One call of the executor, and what is due after it."""
        most = self._executor.steps_per_call
        visits = [(at, slot, slot.next_visit) for at, slot in enumerate(self._slots) if slot]
        num_steps = np.zeros(len(self._slots), np.int32)
        for at, slot, visit in visits:
            num_steps[at] = min(most, visit - slot.done)
            slot.done += int(num_steps[at])
        pending = self._executor.advance(num_steps)
        self._ahead.append(([(at, slot, slot.done, int(num_steps[at])) for at, slot, _ in visits], pending))
        self._read(leave=self._pace.most_ahead)
        running = [(at, slot, visit) for at, slot, visit in visits if self._slots[at] is slot]
        stopping = preemption.requested()
        due = [(at, slot) for at, slot, visit in running if stopping or slot.done == visit]
        if not due:
            return
        self._read(leave=0)
        # What follows, a score or a save, says nothing of how long a call takes.
        self._pace = _Pace()
        ended = []
        for at, slot in due:
            if self._slots[at] is slot and not self._visit(at, slot, stopping=stopping):
                self._slots[at] = None
                ended.append(slot)
        # Last: what they save is being written meanwhile, all at once.
        for slot in ended:
            if slot.position not in self.failed:
                self._end(slot)
        self._apply_stop_rule([slot for at, slot in due if self._slots[at] is slot])
        if stopping and (any(self._slots) or self._waiting):
            for slot in filter(None, self._slots):
                slot.recorder.wait()
            # A process that leaves tears the others down after a while: not before the first has saved.
            processes.meet()
            raise preemption.preempted()

    def _read(self, *, leave: int) -> None:
        """Takes the metrics of all calls but the newest ones."""
        while len(self._ahead) > leave:
            taken, pending = self._ahead.popleft()
            metrics = self._executor.read(pending)
            self._pace.tick()
            note = ""
            for at, slot, done, count in taken:
                # A training that has ended since took steps that are not recorded.
                if self._slots[at] is slot:
                    note = self._log(at, slot, done, {name: x[:count] for name, x in metrics[at].items()})
            self._tell(note)

    def _log(self, at: int, slot: _Slot, done: int, metrics: dict[str, np.ndarray]) -> str:
        count = len(next(iter(metrics.values())))
        try:
            note = slot.recorder.log(done - count + 1, metrics)
        except DivergedError as error:
            self._fail(slot, error)
            self._slots[at] = None
            return ""
        self._count(slot.position, done)
        return note

    def _visit(self, at: int, slot: _Slot, *, stopping: bool) -> bool:
        """Scores, shows and saves the state in a slot; whether the training goes on: not if it failed or ends here."""
        done = slot.done
        try:
            state = self._executor.state(at)
            ended = slot.recorder.visit(done, state, stopping=stopping and done < slot.total)
        except DivergedError as error:
            self._fail(slot, error)
            return False
        return not ended and done < slot.total

    def _apply_stop_rule(self, some: Sequence[_Slot]) -> None:
        ended = self._stopped(some)
        self._slots = [None if slot and slot.position in ended else slot for slot in self._slots]

    def _stopped(self, some: Sequence[_Slot]) -> set[int]:
        """Ends the trainings that the stop rule names; their positions."""
        scored = []
        for slot in some:
            periods, score = slot.recorder.training.periods, slot.recorder.score
            if slot.done and periods.due(periods.evaluate, slot.done):
                # A collapsed generator has no score, and nothing is worse.
                scored.append((slot.position, slot.done, -math.inf if score is None else score))
        reasons = self._stop_rule(scored) if self._stop_rule and scored else {}
        for slot in some:
            if slot.position in reasons:
                self._end(slot, stopped=reasons[slot.position])
        return set(reasons)

    def _end(self, slot: _Slot, *, stopped: str | None = None) -> None:
        slot.recorder.finish(slot.done, stopped=stopped)
        slot.recorder.close()
        self._skip_rest(slot)

    def _fail(self, slot: _Slot, error: DivergedError) -> None:
        slot.recorder.fail(error)
        slot.recorder.close()
        self.failed[slot.position] = error
        self._skip_rest(slot)

    def _skip_rest(self, slot: _Slot) -> None:
        rest = slot.total - self._done[slot.position]
        if rest:
            self._progress.skip(rest)
            self._count(slot.position, slot.total)
            self._tell("")

    def _count(self, position: int, done: int) -> None:
        self._num_done += done - self._done[position]
        self._done[position] = done

    def _tell(self, note: str) -> None:
        if len(self._recorders) > 1:
            note = f"{len(self.failed)} diverged" if self.failed else ""
        if self._num_done != self._shown:
            self._shown = self._num_done
            self._progress.update(self._num_done, note)


class _Pace:
    """How many calls may be under way unread: more of short ones, one of long ones."""

    def __init__(self):
        self.most_ahead = 1
        # Processes that train together make the same calls. Were it left to the speed of each when it sees that the
        # training has diverged, one would wait for ever for a call that another never makes.
        self._limit = _MOST_AHEAD if processes.count() == 1 else 1
        self._last: float | None = None

    def tick(self) -> None:
        """A call has been read."""
        now = time.monotonic()
        if self._last is not None:
            seconds = max(now - self._last, 1e-6)
            # Not by leaps: several may be read at once.
            self.most_ahead = max(1, min(self._limit, 2 * self.most_ahead, int(_AHEAD_SECONDS / seconds)))
        self._last = now
