"""What can be said of scores from few subjects: intervals, tests of the difference of two runs, and their power."""
