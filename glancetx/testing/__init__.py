"""Public tools for testing what plugs into glancetx, and glancetx itself."""
