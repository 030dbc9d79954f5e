"""Feature stages: temporal encoders."""
