"""What the gateway says of itself: its log, its figures, and traces for who asks for them.

The only room that spells the names of OpenTelemetry's GenAI conventions. No prompt, no answer and no key ever passes
here; nothing leaves this machine unless an operator names a collector.
"""
