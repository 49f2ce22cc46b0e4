"""Problems with generator and verifier in one object."""
