"""What is left of a picture after it was assessed, and how to see it; Linux only.

A process (:mod:`.subject`) assesses pictures that are like no other; :mod:`.harness` searches its
memory. ``ageassure audit retention`` runs it. Nothing is imported here, so that the process holds
no more than the estimator needs.
"""
