"""Where the records of images are kept."""
