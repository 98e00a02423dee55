"""What documents should not hold: harmful words, stereotypes, and identifiers of people."""
