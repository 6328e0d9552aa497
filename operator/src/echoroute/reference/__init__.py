"""The generated parts of the documentation: `python -m echoroute.reference [FOLDER]` writes them."""
