"""Automatic scaling: rules and measurements choose what the user left out of a plan, one file a measured choice.

Every measurement runs on a copy of the network and restores the random numbers. So a run is the same, bit for bit, whether its
choices were measured or set by the user.
"""
