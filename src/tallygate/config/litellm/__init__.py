"""LITELLM'S CONFIGURATION, read into ours: what of its `config.yaml` can be had here, and a line for everything in it.

Keys of providers are never carried over, and no other model ever takes a model's place. Only the verb `import` comes
here: the package that reads YAML is for it alone.
"""
