"""The handlers of API operations: one file for each of AWS's nouns. Importing this package registers every operation."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
