"""Experiments: methods under one protocol, run, evaluated and recorded."""
