"""Age from a picture of a face.

detect → align → quality → liveness slot → age network → calibration
"""
