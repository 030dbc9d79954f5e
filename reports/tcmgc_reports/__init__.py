"""Reports: tables of what was measured."""
