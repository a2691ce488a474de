"""What every room stands on: config, database, jobs, clock, ids, crypto, files, logging, errors, text and web.

Imports nothing of ours. Nothing about citizens, cases or departments may enter here.
"""
