"""Automatic scaling: what the user left out of a plan is measured and chosen, one file a choice.

Every measurement runs on a copy of the network and puts the random numbers back, so a run is the same, bit for bit, whether its
choices were measured or given.
"""
