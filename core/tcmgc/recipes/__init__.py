"""Recipes: files that say of which components a model is made, their overrides and their checks."""
