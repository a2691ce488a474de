"""The demonstration city 棠川市 as plain data: areas, organisations, staff, routing catalogue, guides.

Every place, office and person here is invented; 棠川 is no city of China. Only CSV and JSON files in UTF-8 may
enter; the code that reads them stands elsewhere. Real things here are national laws, cited by name.
"""
