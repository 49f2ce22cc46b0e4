"""The open slot: a file here joins the bench by its name."""
