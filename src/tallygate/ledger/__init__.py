"""Money: amounts, prices, the upper bound of a call, and the book as a pure fold.

What decides about money lives here and has no clock, no socket and no database: `store` loads the rows, hands them to
`fold`, and saves what comes back. Never a float.
"""
