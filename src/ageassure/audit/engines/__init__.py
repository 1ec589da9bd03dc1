"""Where pictures are assessed: on threads of this process, or through Ray Data or Daft.

An engine gets paths and offsets and gives numbers back, in any order; it never sees a picture.
"""
