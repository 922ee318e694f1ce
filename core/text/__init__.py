"""We settle here what tokens, boundaries, words and filters mean, and how numbers and names stand in a sentence."""
