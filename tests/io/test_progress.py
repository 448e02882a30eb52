import io

from lesion_jax.io.progress import Progress, progress_callback


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(stream, seconds_each, total=100, start=0, note=""):
    clock = Clock()
    progress = Progress(total, "dcgan", stream=stream, clock=clock)
    for done in range(start + 1, total + 1):
        clock.now += seconds_each
        progress.update(done, note)
    return stream.getvalue()


def test_rate_and_time_left():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(100, "dcgan", stream=stream, clock=clock)
    # The first step is the one that compiles: it is not counted as speed.
    clock.now = 40.0
    progress.update(1)
    clock.now = 75.0
    progress.update(71, "loss 0.693")
    assert stream.getvalue().splitlines() == ["dcgan: 1/100", "dcgan: 71/100, 2.0/s, 14 s left, loss 0.693"]


def test_a_continued_run_does_not_count_what_was_done_before():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(10_000, "dcgan", stream=stream, clock=clock)
    progress.update(9_000)
    clock.now = 40.0
    progress.update(9_010)
    assert stream.getvalue().splitlines()[-1] == "dcgan: 9010/10000, 4.0 s each, 1:06 h left"


def test_a_log_gets_a_line_at_most_every_thirty_seconds_and_the_last():
    lines = run(io.StringIO(), seconds_each=1.0).splitlines()
    assert [line.split(",")[0] for line in lines] == [f"dcgan: {done}/100" for done in (1, 31, 61, 91, 100)]
    assert lines[-1] == "dcgan: 100/100, 1.0/s, took 1:39 min"


def test_a_terminal_line_is_rewritten_and_ends_once():
    text = run(Terminal(), seconds_each=1.0, total=3)
    assert text.count("\r") == 3
    assert text.count("\n") == 1 and text.endswith("\n")


def test_a_shorter_line_covers_a_longer_one():
    clock, stream = Clock(), Terminal()
    progress = Progress(9, "x", stream=stream, clock=clock)
    progress.update(1, "a long note")
    clock.now = 1.0
    progress.update(2)
    first, second = stream.getvalue().split("\r")[1:]
    assert len(second) >= len(first)


def test_what_nobody_has_to_do_is_no_speed():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(1000, "cells", stream=stream, clock=clock)
    progress.update(1)
    clock.now = 100.0
    # A hundred were taken in a hundred seconds, and a member with four hundred left ended.
    progress.skip(400)
    progress.update(501)
    assert stream.getvalue().splitlines()[-1] == "cells: 501/1000, 1.0/s, 8:19 min left"


def test_a_job_whose_length_changes_never_shows_more_than_all(capsys):
    update = progress_callback("files")
    for done, total in ((1, 2), (2, 2), (3, 5), (5, 5)):
        update(done, total)
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        *("files: 1/2", "files: 2/2", "files: 3/5", "files: 5/5")
    ]
