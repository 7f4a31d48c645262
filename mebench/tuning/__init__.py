"""Tuning: parameters of a method chosen by inner folds of subjects, judged on subjects that no trial has touched."""
