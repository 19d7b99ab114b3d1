"""Models converted for OpenVINO, which runs them on CPUs in a fraction of the time torch takes."""
