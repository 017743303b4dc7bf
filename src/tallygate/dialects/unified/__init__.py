"""OUR OWN TONGUE: the envelope around what the gateway says about itself and its callers' money."""
