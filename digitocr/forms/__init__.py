"""Forms: named fields in known places, found on any picture of the page, with rules that hold between them."""
