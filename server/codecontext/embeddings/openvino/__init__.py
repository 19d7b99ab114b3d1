"""Models as OpenVINO graphs, made from their weights, which run on CPUs in a fraction of the time torch takes."""
