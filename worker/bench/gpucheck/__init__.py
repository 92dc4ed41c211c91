"""`optoscope gpucheck`: whether training is right on this machine's GPU, and how fast it is.

It needs torch, numpy and pydantic, and nothing else: a GPU is often lent without more.
"""
