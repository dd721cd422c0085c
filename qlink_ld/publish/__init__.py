"""The room publish: Which graph is current?"""
