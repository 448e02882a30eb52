"""`python -m lesion_jax VERB`."""

import sys

from lesion_jax.commands import main

sys.exit(main())
