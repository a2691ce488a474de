"""What citizens and the public see: submitting, progress, published replies, figures, the guide.

Pages work without JavaScript and at phone width. Views only translate: forms go to intake, everything about a case to
the operations of cases, searching to search. May import search, intake, cases and below; never workbench, callcenter
or api.
"""
