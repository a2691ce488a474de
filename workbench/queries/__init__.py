"""What the workbench's pages read: plain values made from rows, a bounded number of queries a page."""
