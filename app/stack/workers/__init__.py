"""Workers as children: one for every GPU, of `optoscope up` and of `optoscope worker`."""
