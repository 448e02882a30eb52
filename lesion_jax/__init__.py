"""lesion_jax: do GAN-made lesions make my classifier better?"""

__version__ = "0.1.0"
