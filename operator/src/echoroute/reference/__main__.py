"""`python -m echoroute.reference [FOLDER]` brings the generated parts of all documents in a folder up to date."""

import sys
from pathlib import Path

from echoroute.reference.documents import DOCUMENTS, filled

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
for document in DOCUMENTS:
    path = folder / document
    path.write_text(filled(path.read_text(encoding="utf-8"), document), encoding="utf-8")
