"""Test-time normalizers."""
