from lesion_jax.data import tensorflow


def test_accelerators_are_hidden_and_hosts_are_not(monkeypatch):
    visible = {"GPU": ["gpu:0"], "TPU": [], "CPU": ["cpu:0"]}
    hidden = []
    monkeypatch.setattr(tensorflow.tf.config, "get_visible_devices", lambda kind: visible[kind])
    monkeypatch.setattr(tensorflow.tf.config, "set_visible_devices", lambda some, kind: hidden.append((some, kind)))
    tensorflow.hide_accelerators()
    assert hidden == [([], "GPU")]
