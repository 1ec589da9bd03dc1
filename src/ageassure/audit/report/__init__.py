"""What an auditor signs, and what is done with it: the document, its signature, the gate.

* :mod:`~ageassure.audit.report.reading` – a report's JSON, and figures in it by name
* :mod:`~ageassure.audit.report.signature` – a detached signature over a report's files
* :mod:`~ageassure.audit.report.gate` – conditions on figures, for a build that must fail
"""
