from lesion_jax.train import loop


def test_processes_that_train_together_read_metrics_after_the_same_call(monkeypatch):
    def most_ahead(num_processes):
        monkeypatch.setattr(loop.processes, "count", lambda: num_processes)
        pace = loop._Pace()
        for _ in range(20):
            pace.tick()
        return pace.most_ahead

    # By its own speed one would see a divergence where another has made calls that wait for the first for ever.
    assert most_ahead(1) > 1
    assert most_ahead(2) == 1
