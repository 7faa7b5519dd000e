"""From a trained model to figures one can trust: metrics, predictions, reports, submissions.

What may be changed: a figure is added to `metrics`, with a test against scikit-learn or arithmetic by hand,
and to `report`. Others rely on: the keys of report.json, from which `plots.report_page` draws; accuracies in
[0, 1]; classes matched by name, never by position. A new competition needs no code: its form is learnt from
its sample submission.
"""
