"""Tuning: a search over the choices of runs. A trial is a run of ``fit`` whose plan and network have some values of the space.

Records, space and the rules of halving and stopping are plain Python; Optuna is loaded where values are suggested.
"""
