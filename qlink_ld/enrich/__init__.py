"""The room enrich: What do authorities add?"""
