"""What can be done with images: each use-case joins the registry and the stores."""
