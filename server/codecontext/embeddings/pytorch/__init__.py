"""Models in torch, which runs on any device and makes what OpenVINO is given."""
