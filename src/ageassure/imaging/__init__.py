"""Pictures in, pixels out: bounded decoding, orientation, and the frame that wipes its pixels.

Every picture of every estimator comes through :func:`decode`.
"""

from ageassure.imaging.decoding import decode
from ageassure.imaging.frame import Frame

__all__ = ["Frame", "decode"]
