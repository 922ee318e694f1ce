"""Results: which system is best, and is it worth it?"""

from pages.shared.frame import page_setup

view = page_setup("Results")
