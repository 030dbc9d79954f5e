"""Videos encoded once and kept, and texts that are answered from what is kept."""
