"""The layer above the sub-projects: it starts their commands and reads their files."""
