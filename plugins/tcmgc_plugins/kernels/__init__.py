"""Kernels: other ways to compute what components compute, on devices that they were written for."""
