"""Reading run directories."""
