"""Devices, processes, memory and compilation: what JAX runs on."""
