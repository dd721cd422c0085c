"""The room harvest: What do they publish, and did it change?"""
