"""Words that stand for a missing cell in a CSV file, unless they are values there. Loads no torch."""

import pyarrow.csv

MISSING_WORDS = tuple(word for word in pyarrow.csv.ConvertOptions().null_values if word)
"""Arrow's own words, among them NA, N/A, NULL and NaN."""
