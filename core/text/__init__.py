"""Chinese text: cutting, normalising with offsets, masking personal data. Pure functions, no database."""
