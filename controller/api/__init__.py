"""The HTTP interface: strict input, problem documents, and the live stream. FastAPI appears nowhere else."""
