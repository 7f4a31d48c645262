"""What the verbs of the command line do, imported when a verb is used."""
