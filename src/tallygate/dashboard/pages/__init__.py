"""The pages, one file per matter: each function takes a visit and gives what is to be shown. No HTML here, no SQL."""
