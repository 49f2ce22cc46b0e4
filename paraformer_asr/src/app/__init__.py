"""Pages for the browser: what the sub-project computes, to be played with."""
