"""Trains many runs in one compiled program; each of them is the run that `train` alone would have made.

A member keeps a run directory of its own: what is a population is only how the steps are taken. So any member can be
restored, scored, exported or continued alone, and one that was begun alone can go on in a population.
"""

import collections
import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from lesion_jax.core import keys
from lesion_jax.data.device_images import Residence
from lesion_jax.errors import DivergedError, Preempted
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel, preemption
from lesion_jax.runtime.population import Packing, Population, make_program
from lesion_jax.train.kinds import Program, Training, create_training, step_alone
from lesion_jax.train.member import Member
from lesion_jax.train.session import Job, Session

# Steps that a device takes between two words with its host. A CPU's convolutions lose their threads in a loop.
_STEPS_PER_CALL = {"cpu": 1}
_STEPS_PER_CALL_ELSEWHERE = 16

# [(position of a member, steps taken, score)] of those that were scored at once -> why some of them end here. The
# score of a GAN that has collapsed is -inf.
Judge = Callable[[list[tuple[int, int, float]]], dict[int, str]]

# (program, state of a member, images) -> packing.
Chooser = Callable[[Program, Any, Any], Packing]


def steps_per_call(device: parallel.Device) -> int:
    """How many steps a device takes between two words with its host."""
    return _STEPS_PER_CALL.get(device.platform, _STEPS_PER_CALL_ELSEWHERE)


@functools.cache
def compiled_program(program: Program, packing: Packing, devices: tuple[parallel.Device, ...]) -> Callable:
    """What `Population` runs; compiled once for each shape of network.

    Args:
      program: Of every member.
      packing: See `runtime.population`.
      devices: Over which the members are spread.
    """
    step = step_alone(program.as_products() if packing == "gemm" else program)
    return parallel.over_places(make_program(step, packing), list(devices))


@dataclasses.dataclass
class _Place:
    """A member in training.

    Attributes:
      position: Among all members.
      member: What is written of it.
      done: Steps taken, those in flight included.
      chosen: Step -> rows of the batch's images.
    """

    position: int
    member: Member
    done: int
    chosen: Callable[[int], np.ndarray]

    @property
    def next_visit(self) -> int:
        return self.member.next_visit(self.done)


class _Members:
    """The members of a population: those that wait, those in their places, those that ended."""

    def __init__(self, members: Sequence[tuple[Job, Session]], judge: Judge | None, progress: Progress):
        self.members = members
        self.waiting = collections.deque(range(len(members)))
        self.failed: dict[int, DivergedError] = {}
        self._judge = judge
        self._progress = progress
        self._done = [0] * len(members)
        residence = Residence()
        self._rows = [residence.add(job.prepared.images) for job, _ in members]
        self.images = residence.arrays()
        self.program: Program | None = None

    def enter(self) -> tuple[_Place, Any, jax.Array] | None:
        """The next member that has steps left: (it, its state, its root key)."""
        while self.waiting:
            position = self.waiting.popleft()
            job, session = self.members[position]
            training: Training = create_training(job.config, job.prepared)
            if self.program not in (None, training.program):
                raise ValueError(f"Members differ in what is compiled: {self.program} and {training.program}.")
            self.program = training.program
            state, member = session.start(training)
            place = _Place(position, member, int(state.step), self._chooser(position))
            self._done[position] = place.done
            # What an earlier process did.
            self._progress.skip(place.done)
            if place.done < job.periods.total:
                return place, state, keys.stream(job.config.seed, job.config.kind)
            self.end(place)
        return None

    def _chooser(self, position: int) -> Callable[[int], np.ndarray]:
        rows, schedule = self._rows[position], self.members[position][0].prepared.schedule
        return lambda step: rows[schedule.indices(step)]

    def settle(self, place: _Place, done: int, metrics: dict[str, np.ndarray]) -> bool:
        """Takes the metrics [S] of the steps up to `done`; whether the member can go on."""
        note = ""
        try:
            first = done - len(next(iter(metrics.values()))) + 1
            for i, step in enumerate(range(first, done + 1)):
                note = place.member.log(step, {name: float(values[i]) for name, values in metrics.items()})
        except DivergedError as error:
            self.fail(place, error)
            return False
        self._tell(place.position, done, note if len(self.members) == 1 else "")
        return True

    def visit(self, place: _Place, state: Any, *, stopping: bool) -> bool:
        """Looks at a state after its last step; whether the member goes on."""
        done, total = place.done, place.member.periods.total
        try:
            ended = place.member.visit(done, state, stopping=stopping and done < total)
        except DivergedError as error:
            self.fail(place, error)
            return False
        if ended or done == total:
            self.end(place)
        return not ended and done < total

    def judge(self, places: Sequence[_Place]) -> set[int]:
        """Ends those that the judge does not let go on; their positions."""
        # A collapsed GAN has no score, and nothing is worse.
        scored = [
            (p.position, p.done, -math.inf if p.member.score is None else p.member.score)
            for p in places
            if p.done and p.member.periods.due(p.member.periods.evaluate, p.done)
        ]
        reasons = self._judge(scored) if self._judge and scored else {}
        for place in places:
            if place.position in reasons:
                self.end(place, stopped=reasons[place.position])
        return set(reasons)

    def end(self, place: _Place, *, stopped: str | None = None) -> None:
        """Declares a member done and gives its directory back."""
        session = self.members[place.position][1]
        session.finish(place.done, place.member.collapse, stopped=stopped)
        session.close()
        self._skip_rest(place)

    def fail(self, place: _Place, error: DivergedError) -> None:
        """Marks a member as diverged."""
        session = self.members[place.position][1]
        session.fail(error)
        session.close()
        self.failed[place.position] = error
        self._skip_rest(place)

    def _skip_rest(self, place: _Place) -> None:
        rest = self.members[place.position][0].periods.total - self._done[place.position]
        if rest:
            self._progress.skip(rest)
            self._tell(place.position, self._done[place.position] + rest, "")

    def _tell(self, position: int, done: int, note: str) -> None:
        self._done[position] = done
        if len(self.members) > 1:
            note = f"{len(self.failed)} diverged" if self.failed else ""
        self._progress.update(sum(self._done), note)


def train_members(
    members: Sequence[tuple[Job, Session]],
    devices: Sequence[parallel.Device],
    progress: Progress,
    *,
    packing: Packing | Chooser = "one",
    places_per_device: int = 1,
    judge: Judge | None = None,
) -> dict[int, DivergedError]:
    """Trains every member to its end; a place that becomes free is taken by the next that waits.

    A member's result is that of training it alone: its step, batches and random numbers are the same, whatever is
    beside it. With packing "one" on one device the bits are the same too; otherwise they may differ by rounding.

    Args:
      members: Jobs of one program and their open sessions, which are closed as they end.
      devices: Of this process; each holds `places_per_device` members at once.
      progress: Told of the steps of all of them together.
      packing: How the members of a device share its program, see `runtime.population`; or what chooses it.
      places_per_device: Members that a device holds at once; with packing "one" and no judge it is 1.
      judge: Asked after each look at a state, and of what was restored from one; None lets every member go on to its
        end.

    Returns:
      The members that diverged, by position: each is left where it was last saved, marked as failed.

    Raises:
      Preempted: The process was asked to end; every member has been saved.
      RunError: The disk does not take what is written.
    """
    cast = _Members(members, judge, progress)
    if not isinstance(packing, str):
        some = create_training(members[0][0].config, members[0][0].prepared)
        packing = packing(some.program, some.state, cast.images)
    # One at a time need not be interrupted by others, unless they are to be compared.
    in_turn = packing == "one"
    num_places = min(len(members), len(devices) * (1 if in_turn and not judge else places_per_device))
    entered = [found for found in (cast.enter() for _ in range(num_places)) if found]
    if not entered:
        return cast.failed
    places: list[_Place | None] = [place for place, _, _ in entered]
    each = 1 if in_turn else math.ceil(len(entered) / len(devices))
    # Every call has the same shape: what is left over are copies that nobody trains.
    while len(places) % (len(devices) * each):
        entered.append(entered[0])
        places.append(None)
    assert cast.program is not None
    run = compiled_program(cast.program, packing, tuple(devices))
    population = Population(run, [(state, key) for _, state, key in entered], cast.images, devices, each)
    del entered
    nothing = np.zeros(members[0][0].config.data.batch_size, np.int32)
    most = steps_per_call(devices[0])
    pending: tuple[list[tuple[int, _Place, int]], Any] | None = None

    def settle() -> None:
        # Metrics are read one call late: the devices are already busy with the next.
        nonlocal pending
        if pending is None:
            return
        of, metrics = pending
        pending = None
        host = population.read(metrics)
        for at, place, done in of:
            # Not of one that has ended since.
            if places[at] is place and not cast.settle(place, done, host[at]):
                places[at] = None

    def refill() -> None:
        for at in range(len(places)):
            while places[at] is None and (found := cast.enter()):
                place, state, key = found
                if not cast.judge([place]):
                    places[at] = place
                    population.put(at, state, key)

    def end_judged(some: Sequence[_Place]) -> None:
        nonlocal places
        ended = cast.judge(some)
        places = [None if place and place.position in ended else place for place in places]

    # One that was interrupted between a look at it and its end.
    end_judged([place for place in places if place])
    with preemption.deferred():
        while any(places) or cast.waiting:
            refill()
            active = [(at, place) for at, place in enumerate(places) if place]
            if not active:
                break
            visits = [place.next_visit for _, place in active]
            num_steps = most if all(at - p.done >= most for at, (_, p) in zip(visits, active, strict=True)) else 1
            chosen = np.stack(
                [
                    [place.chosen(place.done + s) for s in range(num_steps)] if place else [nothing] * num_steps
                    for place in places
                ]
            )
            metrics = population.advance(chosen, np.array([place is not None for place in places]))
            settle()
            # One that has just failed took one more step, which nobody looks at.
            active = [(at, place) for at, place in active if places[at] is place]
            for _, place in active:
                place.done += num_steps
            pending = ([(at, place, place.done) for at, place in active], metrics)
            stopping = preemption.requested(sum(place.done for _, place in active))
            due = [(at, p) for at, p in active if stopping or p.member.next_visit(p.done - 1) == p.done]
            if not due:
                continue
            settle()
            for at, place in due:
                if places[at] is place and not cast.visit(place, population.member(at), stopping=stopping):
                    places[at] = None
            end_judged([place for at, place in due if places[at] is place])
            if stopping and (any(places) or cast.waiting):
                for place in filter(None, places):
                    place.member.wait()
                raise Preempted(preemption.describe())
    return cast.failed
