"""Other libraries' interfaces over indexes of colidx."""
