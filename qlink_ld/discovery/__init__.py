"""The room discovery: Where do they publish?"""
