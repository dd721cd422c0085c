"""The room serve: How is it read?"""
