"""The room registry: Which providers exist?"""
