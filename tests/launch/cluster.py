"""A real SLURM on this machine: munged, slurmctld, and a slurmd for each of five nodes, all in one folder.

python tests/launch/cluster.py SLURM.CONF ends all processes of that cluster as soon as its standard input is closed: by
`stop`, or because the tests are gone, however they ended.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue", "sinfo")
# The first: the only name that resolves, and the first among the nodes of a job, where JAX looks for process 0.
NODES = tuple(socket.gethostname().partition(".")[0] + suffix for suffix in ("", "-b", "-c", "-d", "-e"))

# How long a requeued job waits is cred_expire. High takes nodes from low, which have GraceTime to end.
# A node has room for two jobs of eight CPUs and a GPU.
_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=10
KillWait=5
FirstJobId={first_job}
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=DEFAULT CPUs=16 Gres=gpu:2
{nodes}
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 GraceTime=100
PartitionName=high Nodes=ALL PriorityTier=2 PreemptMode=OFF
"""


def why_not() -> str | None:
    """What keeps a cluster from being started here."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(missing)} not found; on Debian: apt-get install slurm-wlm munge"
    try:
        socket.gethostbyname(NODES[0])
    except OSError:
        return f"the name of this machine, {NODES[0]}, has no address"
    return None


def wait_until(condition, seconds: float, what: str):
    """The first answer of `condition` that is true, of those that it gives within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.5)
    return answer


class Cluster:
    """Started by the constructor; what carries its SLURM_CONF ends by `stop` or with this process."""

    def __init__(self, folder: Path):
        """Waits until all nodes are idle.

        Args:
          folder: Empty, and with a short path: sockets lie there.
        """
        self._folder, self._daemons = folder, {}
        ports = _free_ports(1 + len(NODES))
        where = f"NodeHostname={NODES[0]} NodeAddr=127.0.0.1"
        nodes = "\n".join(f"NodeName={name} {where} Port={port}" for name, port in zip(NODES, ports[1:], strict=True))
        # JAX takes the coordinator's port from the job's number: two suites at once must not have the same.
        text = _CONF.format(folder=folder, host=NODES[0], ports=ports, nodes=nodes, first_job=ports[0])
        (folder / "slurm.conf").write_text(text)
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        (folder / "state").mkdir()
        (folder / "munge.key").touch(mode=0o400)
        (folder / "munge.key").write_bytes(os.urandom(1024))
        # The tests may themselves run in a job.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "SBATCH", "SRUN"))}
        self.environment["SLURM_CONF"] = str(folder / "slurm.conf")
        self._end = subprocess.Popen(
            [sys.executable, __file__, self.environment["SLURM_CONF"]],
            stdin=subprocess.PIPE,
            # What ends the tests' group of processes must not end this one.
            start_new_session=True,
        )
        try:
            files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
            # Forced: it does not like that only root can enter the folder.
            self._start("munged", "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
            wait_until((folder / "munge.socket").exists, 20, "munged")
            self._start("slurmctld", "slurmctld", "-D", "-c")
            for node in NODES:
                self.start_node(node)
            self.wait_until_idle()
        except BaseException:
            self.stop()
            raise

    def _start(self, name: str, *command: str, **environment: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment | environment)

    def start_node(self, node: str) -> None:
        """Starts the slurmd of a node."""
        # Tasks have the variable anyway, and the steps' own processes take it from here.
        self._start(node, "slurmd", "-D", "-N", node, SLURMD_NODENAME=node)

    def fail_node(self, node: str) -> None:
        """Ends all at once, as a power cut would: its slurmd, the steps of jobs there and their processes."""
        slurmd = self._daemons.pop(node)
        slurmd.kill()
        slurmd.wait()
        for process in self._processes(f"SLURMD_NODENAME={node}"):
            _kill(process)

    def kill_task(self, job: str, number: int) -> None:
        """Ends one of the processes that srun started."""
        (process,) = self._processes(f"SLURM_JOB_ID={job}", f"SLURM_PROCID={number}")
        _kill(process)

    def wait_until_idle(self) -> None:
        """All nodes, without a job."""
        wait_until(self._is_idle, 60, "idle nodes")

    def stop(self) -> None:
        """Ends every daemon, step and task."""
        self._end.communicate(timeout=60)
        assert self._end.returncode == 0
        for daemon in self._daemons.values():
            daemon.wait()

    def _processes(self, *settings: str) -> list[int]:
        return _processes(f"SLURM_CONF={self.environment['SLURM_CONF']}", *settings)

    def ask(self, *command: object) -> str:
        """What one of SLURM's commands prints."""
        words = [str(word) for word in command]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def _is_idle(self) -> bool:
        for name, daemon in self._daemons.items():
            assert daemon.poll() is None, (self._folder / f"{name}.log").read_text()
        command = ["sinfo", "--noheader", "--Node", "--partition=low", "--format=%T"]
        # slurmctld may not answer yet.
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)
        return done.stdout.split() == ["idle"] * len(NODES)

    def state_of(self, node: str) -> str:
        """Such as "idle", "mixed" or "down*"."""
        return self.ask("sinfo", "--noheader", f"--nodes={node}", "--partition=low", "--format=%T")

    def show(self, job: str) -> dict[str, str]:
        """What SLURM knows of a job."""
        return dict(re.findall(r"(\w+)=(\S*)", self.ask("scontrol", "--oneliner", "show", "job", job)))


def _free_ports(number: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _processes(*settings: str) -> list[int]:
    """Those that live and have all of these settings in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            text = "\0" + path.read_text(errors="replace")
        except OSError:
            continue
        if all(f"\0{setting}\0" in text for setting in settings):
            found.append(int(path.parent.name))
    return found


def _end_all(conf: str) -> None:
    sys.stdin.read()

    def none_left() -> bool:
        found = _processes(f"SLURM_CONF={conf}")
        for process in found:
            _kill(process)
        return not found

    # One may have started another while they were looked for.
    wait_until(none_left, 30, "end of all processes")


if __name__ == "__main__":
    _end_all(sys.argv[1])
