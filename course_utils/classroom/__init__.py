"""Assignments from one source each: handed out, checked, graded, returned and reported.

The grader never runs a student's code in its own process and never compares a student's object: see `remote`.
"""
