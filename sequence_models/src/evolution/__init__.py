"""All models of a list under equal conditions."""
