"""Where the bytes of images are kept: one file each."""
