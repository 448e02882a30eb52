import jax
import pytest


@pytest.fixture
def compilations():
    """A list that grows with every program that XLA compiles."""
    found = []

    def hear(event, _, **__):
        if event.endswith("backend_compile_duration"):
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(hear)
    yield found
    jax.monitoring.unregister_event_duration_listener(hear)
