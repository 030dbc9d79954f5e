"""The components that ship with tcmgc."""
