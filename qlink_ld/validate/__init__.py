"""The room validate: Does it conform?"""
