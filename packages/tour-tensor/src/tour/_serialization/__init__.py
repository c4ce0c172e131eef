"""What `tour.serialization` is made of: the archive, what stands in its pickle, and a reader of pickles that runs nothing."""
