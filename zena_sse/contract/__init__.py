"""What crosses the wire, declared once; the documents are generated from these declarations."""
