"""A job on the cluster of the tests: what becomes of it, and how far its training is."""

import json

from tests.launch.cluster import wait_until

COMES_BACK = ("PENDING", "RUNNING", "COMPLETING", "REQUEUED")


class Job:
    """A job, or a task of an array: NUMBER_INDEX."""

    def __init__(self, cluster, name, workdir, output, hurry):
        self._cluster, self.id, self.workdir, self._output, self._hurry = cluster, name, workdir, output, hurry

    def task(self, index):
        return Job(self._cluster, f"{self.id}_{index}", self.workdir, self._output, self._hurry)

    @property
    def output(self):
        return self._output.read_text() if self._output.exists() else ""

    def hurry(self):
        """Nothing will interrupt it any more."""
        self._hurry.touch()

    def restarts(self):
        return int(self._cluster.show(self.id)["Restarts"])

    def wait_for(self, step, restarts=0, run=""):
        """Until a step is logged by the start after so many, in the run directory or one below it."""

        def reached():
            shown = self._cluster.show(self.id)
            assert shown["JobState"] in COMES_BACK, self.output
            return (
                shown["JobState"] == "RUNNING"
                and shown["Restarts"] == str(restarts)
                and last_step(self.workdir / run) >= step
            )

        wait_until(reached, 180, f"step {step} after {restarts} restarts")

    def end(self):
        """(state, restarts, exit status) after which it does not come back."""

        def ended():
            shown = self._cluster.show(self.id)
            return shown if shown["JobState"] not in COMES_BACK else None

        shown = wait_until(ended, 180, f"end of job {self.id}")
        return shown["JobState"], int(shown["Restarts"]), int(shown["ExitCode"].partition(":")[0])


def last_step(workdir):
    """The last step that a run directory logged; 0 where there is none."""
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0
