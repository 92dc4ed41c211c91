"""Data files of users, read with suspicion: what a file declares is checked before memory is taken.

Numpy and h5py only: a look at a file must not cost the loading of torch.
"""
