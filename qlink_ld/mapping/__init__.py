"""The room mapping: What is that in ELM?"""
