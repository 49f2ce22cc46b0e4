"""Data by name: `build_datasets(DataConfig(...), seed)`."""
