"""From lesions to batches: folds, classic augmentation, banks, schedule, tf.data."""
